package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

const layerType = "application/vnd.bench.layer"

// noise gives bytes that do not compress, the same for the same seed.
func noise(seed int, size int64) io.Reader {
	var key [32]byte
	copy(key[:], strconv.Itoa(seed))
	return io.LimitReader(rand.NewChaCha8(key), size)
}

// countAndSize are two numbers after a place.
func countAndSize(words []string) (count int, size int64, err error) {
	if count, err = strconv.Atoi(words[1]); err != nil {
		return
	}
	size, err = strconv.ParseInt(words[2], 10, 64)
	return
}

func makeFiles(_ context.Context, words []string) error {
	count, size, err := countAndSize(words)
	if err != nil {
		return err
	}
	for i := range count {
		if err := writeFile(filepath.Join(words[0], fmt.Sprintf("file-%04d", i)), noise(i, size)); err != nil {
			return err
		}
	}
	return nil
}

func makeTree(_ context.Context, words []string) error {
	count, size, err := countAndSize(words)
	if err != nil {
		return err
	}
	for i := range count {
		path := filepath.Join(words[0], fmt.Sprintf("part-%02d", i/100), fmt.Sprintf("file-%04d", i))
		if err := writeFile(path, text(i, size)); err != nil {
			return err
		}
	}
	return nil
}

// text gives bytes that compress as program text does, to about a quarter: few words, often in the same order.
func text(seed int, size int64) io.Reader {
	source := rand.New(rand.NewPCG(uint64(seed), 0))
	var buffer bytes.Buffer
	word := 0
	for int64(buffer.Len()) < size {
		if word = word*7 + 1; source.IntN(2) == 0 {
			word = int(source.ExpFloat64() * 60)
		}
		word %= 1000
		end := " "
		if word%11 == 0 {
			end = ";\n" + strings.Repeat("    ", source.IntN(4))
		}
		fmt.Fprintf(&buffer, "%x%s", word*word*word, end)
	}
	return io.LimitReader(&buffer, size)
}

func writeFile(path string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

// makeLayers writes an image whose layers are files of noise. Those of a negative size are zeros in a sparse file, of a
// layout only.
func makeLayers(ctx context.Context, words []string) error {
	store, tag, err := open(ctx, words[0])
	if err != nil {
		return err
	}
	count, size, err := countAndSize(words)
	if err != nil {
		return err
	}
	layers := make([]ocispec.Descriptor, count)
	for i := range layers {
		if size < 0 {
			layers[i], err = putZeros(words[0], -size)
		} else {
			layers[i], err = putNoise(ctx, store, i, size)
		}
		if err != nil {
			return err
		}
		layers[i].Annotations = map[string]string{ocispec.AnnotationTitle: fmt.Sprintf("layer-%d", i)}
	}
	root, err := pack(ctx, store, 0, layers...)
	if err != nil {
		return err
	}
	return store.Tag(ctx, root, tag)
}

func putNoise(ctx context.Context, store content.Storage, seed int, size int64) (ocispec.Descriptor, error) {
	hash, err := digest.FromReader(noise(seed, size))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := ocispec.Descriptor{MediaType: layerType, Digest: hash, Size: size}
	if known, err := store.Exists(ctx, desc); known || err != nil {
		return desc, err
	}
	return desc, store.Push(ctx, desc, noise(seed, size))
}

func putZeros(place string, size int64) (ocispec.Descriptor, error) {
	layout, _, _ := strings.Cut(strings.TrimPrefix(place, "oci:"), ":")
	path := filepath.Join(layout, "blobs", "sha256", "zeros")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return ocispec.Descriptor{}, err
	}
	file, err := os.Create(path)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer file.Close()
	if err := file.Truncate(size); err != nil {
		return ocispec.Descriptor{}, err
	}
	hash, err := digest.FromReader(file)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := ocispec.Descriptor{MediaType: layerType, Digest: hash, Size: size}
	return desc, os.Rename(path, filepath.Join(filepath.Dir(path), hash.Encoded()))
}

// makeImages writes an index of images of a config and a layer each, none of which is in another.
func makeImages(ctx context.Context, words []string) error {
	store, tag, err := open(ctx, words[0])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	// Else the index of the layout is written anew with each image.
	layout, isLayout := store.(*oci.Store)
	if isLayout {
		layout.AutoSaveIndex = false
	}
	images := make([]ocispec.Descriptor, count)
	for i := range images {
		layer, err := putNoise(ctx, store, i, 4096)
		if err != nil {
			return err
		}
		if images[i], err = pack(ctx, store, i, layer); err != nil {
			return err
		}
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: images}
	index.SchemaVersion = 2
	root, err := putJSON(ctx, store, ocispec.MediaTypeImageIndex, index)
	if err != nil {
		return err
	}
	if err := store.Tag(ctx, root, tag); err != nil || !isLayout {
		return err
	}
	return layout.SaveIndex()
}

func makeReferrers(ctx context.Context, words []string) error {
	store, tag, err := open(ctx, words[0])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	layer, err := putNoise(ctx, store, 0, 4096)
	if err != nil {
		return err
	}
	subject, err := pack(ctx, store, 0, layer)
	if err != nil {
		return err
	}
	if err := addReferrers(ctx, store, subject, count); err != nil {
		return err
	}
	return store.Tag(ctx, subject, tag)
}

// addReferrers pushes artifacts of one small layer each.
func addReferrers(ctx context.Context, store content.Storage, subject ocispec.Descriptor, count int) error {
	for i := range count {
		data := fmt.Appendf(nil, "referrer %d", i)
		layer := content.NewDescriptorFromBytes(layerType, data)
		if err := store.Push(ctx, layer, bytes.NewReader(data)); err != nil {
			return err
		}
		pack := oras.PackManifestOptions{
			Subject:             &subject,
			Layers:              []ocispec.Descriptor{layer},
			ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: "2000-01-01T00:00:00Z"},
		}
		if _, err := oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, artifactType, pack); err != nil {
			return err
		}
	}
	return nil
}

// pack writes an image with a config of its own.
func pack(ctx context.Context, store content.Storage, number int, layers ...ocispec.Descriptor) (ocispec.Descriptor, error) {
	image := ocispec.Image{Author: strconv.Itoa(number)}
	config, err := putJSON(ctx, store, ocispec.MediaTypeImageConfig, image)
	if err != nil {
		return config, err
	}
	options := oras.PackManifestOptions{
		Layers:              layers,
		ConfigDescriptor:    &config,
		ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: "2000-01-01T00:00:00Z"},
	}
	return oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, "", options)
}

func putJSON(ctx context.Context, store content.Storage, mediaType string, document any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := content.NewDescriptorFromBytes(mediaType, data)
	if known, err := store.Exists(ctx, desc); known || err != nil {
		return desc, err
	}
	return desc, store.Push(ctx, desc, bytes.NewReader(data))
}
