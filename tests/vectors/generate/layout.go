package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
)

// layoutDocuments writes index.json of image layouts, stage by stage.
func layoutDocuments(docs *documents) {
	ctx := context.Background()
	root := must(os.MkdirTemp("", "vectors-layout-"))
	defer os.RemoveAll(root)
	store := must(oci.New(root))
	save := func(name string) {
		docs.add("layout-"+name, kindIndex, byLayout, sortedIndex(store, root))
	}
	save("new")
	one := must(oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, exampleType, oras.PackManifestOptions{
		ManifestAnnotations: at(map[string]string{"k": "<v>"}),
	}))
	save("untagged")
	check(store.Tag(ctx, one, "a&b"))
	save("tagged")
	check(store.Tag(ctx, one, "registry.example.com/hello:v1"))
	check(store.Tag(ctx, one, "v1"))
	save("three-names")
	check(store.Untag(ctx, "a&b"))
	save("untag")
	image := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    ocispec.DescriptorEmptyJSON,
		Layers:    []ocispec.Descriptor{},
		Subject:   &one,
	}
	text := must(json.Marshal(image))
	check(store.Push(ctx, blob(image.MediaType, string(text)), bytes.NewReader(text)))
	save("referrer-without-name")
	check(store.Delete(ctx, one))
	save("delete")
}

// sortedIndex has the store save its index, which it does in the random order
// of a map, until the entries happen to be sorted: by name, the nameless last.
// Tags are given in that order too: a small map is walked as it was filled,
// from a random start.
func sortedIndex(store *oci.Store, root string) []byte {
	for range 10_000 {
		check(store.SaveIndex())
		text := must(os.ReadFile(filepath.Join(root, ocispec.ImageIndexFile)))
		var index ocispec.Index
		check(json.Unmarshal(text, &index))
		if slices.IsSortedFunc(index.Manifests, compareEntries) {
			return text
		}
	}
	check(fmt.Errorf("%s: never sorted", root))
	return nil
}

func compareEntries(a, b ocispec.Descriptor) int {
	key := func(desc ocispec.Descriptor) string {
		if name, found := desc.Annotations[ocispec.AnnotationRefName]; found {
			return "0" + name
		}
		return "1" + desc.Digest.String()
	}
	return strings.Compare(key(a), key(b))
}
