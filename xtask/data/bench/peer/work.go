package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/file"
	"oras.land/oras-go/v2/content/oci"
)

const artifactType = "application/vnd.bench"

func options() oras.CopyOptions {
	options := oras.DefaultCopyOptions
	options.Concurrency = concurrency()
	return options
}

func push(ctx context.Context, words []string) (err error) {
	to, tag, err := open(ctx, words[0])
	if err != nil {
		return err
	}
	store, err := file.New("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	layers := make([]ocispec.Descriptor, 0, len(words)-1)
	for _, path := range words[1:] {
		added, err := addAll(ctx, store, path)
		if err != nil {
			return err
		}
		layers = append(layers, added...)
	}
	pack := oras.PackManifestOptions{Layers: layers}
	root, err := oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, artifactType, pack)
	if err != nil {
		return err
	}
	if err := store.Tag(ctx, root, tag); err != nil {
		return err
	}
	_, err = oras.Copy(ctx, store, tag, to, tag, options())
	return err
}

// addAll adds a file, a directory as one archive, or, of a path that ends in `/`, each file in the directory.
func addAll(ctx context.Context, store *file.Store, path string) ([]ocispec.Descriptor, error) {
	if path[len(path)-1] != os.PathSeparator {
		desc, err := store.Add(ctx, filepath.Base(path), "", path)
		return []ocispec.Descriptor{desc}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	all := make([]ocispec.Descriptor, 0, len(entries))
	for _, entry := range entries {
		desc, err := store.Add(ctx, entry.Name(), "", filepath.Join(path, entry.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, desc)
	}
	return all, nil
}

func pull(ctx context.Context, words []string) (err error) {
	from, tag, err := open(ctx, words[0])
	if err != nil {
		return err
	}
	store, err := file.New(words[1])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	_, err = oras.Copy(ctx, from, tag, store, tag, options())
	return err
}

func copyTag(ctx context.Context, words []string) error {
	from, to, fromTag, toTag, err := openBoth(ctx, words)
	if err != nil {
		return err
	}
	_, err = oras.Copy(ctx, from, fromTag, to, toTag, options())
	return err
}

func extended(ctx context.Context, words []string) error {
	from, to, fromTag, toTag, err := openBoth(ctx, words)
	if err != nil {
		return err
	}
	options := oras.DefaultExtendedCopyOptions
	options.Concurrency = concurrency()
	_, err = oras.ExtendedCopy(ctx, from, fromTag, to, toTag, options)
	return err
}

func referrers(ctx context.Context, words []string) error {
	count, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	store, err := oci.New(words[0])
	if err != nil {
		return err
	}
	subject, err := oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, artifactType, oras.PackManifestOptions{})
	if err != nil {
		return err
	}
	if err := addReferrers(ctx, store, subject, count); err != nil {
		return err
	}
	found, err := store.Predecessors(ctx, subject)
	if err == nil && len(found) != count {
		err = fmt.Errorf("%d referrers, expected %d", len(found), count)
	}
	return err
}

func add(ctx context.Context, words []string) (err error) {
	store, err := file.New("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	desc, err := store.Add(ctx, filepath.Base(words[0]), "", words[0])
	if err == nil {
		fmt.Println(desc.Digest, desc.Size)
	}
	return err
}
