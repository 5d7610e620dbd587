package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
)

// typed is content beside its media type.
type typed struct {
	MediaType string `json:"mediaType"`
	Content   string `json:"content"`
}

// platformCase asks a target that holds root and blobs for root at a platform.
type platformCase struct {
	Name   string           `json:"name"`
	Root   typed            `json:"root"`
	Blobs  []typed          `json:"blobs,omitempty"`
	Want   ocispec.Platform `json:"want"`
	Digest digest.Digest    `json:"digest,omitempty"`
	Error  string           `json:"error,omitempty"`
}

func platformCases() []platformCase {
	cases := append(indexPlatformCases(), manifestPlatformCases()...)
	for i := range cases {
		cases[i].resolve()
	}
	return cases
}

func (c *platformCase) resolve() {
	ctx := context.Background()
	store := memory.New()
	for _, b := range c.Blobs {
		check(store.Push(ctx, blob(b.MediaType, b.Content), strings.NewReader(b.Content)))
	}
	root := blob(c.Root.MediaType, c.Root.Content)
	check(store.Push(ctx, root, strings.NewReader(c.Root.Content)))
	check(store.Tag(ctx, root, "root"))
	desc, err := oras.Resolve(ctx, store, "root", oras.ResolveOptions{TargetPlatform: &c.Want})
	switch {
	case err == nil:
		c.Digest = desc.Digest
	case errors.Is(err, errdef.ErrNotFound):
		c.Error = "NotFound"
	case errors.Is(err, errdef.ErrUnsupported):
		c.Error = "Unsupported"
	default:
		c.Error = "Other"
	}
}

func indexPlatformCases() []platformCase {
	entries := []*ocispec.Platform{
		nil,
		{Architecture: "unknown", OS: "unknown"},
		{Architecture: "amd64", OS: "linux"},
		{Architecture: "amd64", OS: "linux", Variant: "v2"},
		{Architecture: "arm", OS: "linux", Variant: "v6"},
		{Architecture: "arm", OS: "linux", Variant: "v7"},
		{Architecture: "arm64", OS: "linux", Variant: "v8"},
		{Architecture: "arm64", OS: "linux"},
		{Architecture: "amd64", OS: "windows", OSVersion: "10.0.17763.1"},
		{Architecture: "amd64", OS: "windows", OSVersion: "10.0.20348.1", OSFeatures: []string{"win32k", "other"}},
		{Architecture: "", OS: "empty"},
	}
	wants := []ocispec.Platform{
		{},
		{Architecture: "amd64"},
		{OS: "linux"},
		{OS: "empty"},
		{Architecture: "unknown", OS: "unknown"},
		{Architecture: "amd64", OS: "linux"},
		{Architecture: "AMD64", OS: "linux"},
		{Architecture: "x86_64", OS: "linux"},
		{Architecture: "amd64", OS: "linux", Variant: "v1"},
		{Architecture: "amd64", OS: "linux", Variant: "v2"},
		{Architecture: "amd64", OS: "linux", Variant: "v3"},
		{Architecture: "arm", OS: "linux"},
		{Architecture: "arm", OS: "linux", Variant: "v7"},
		{Architecture: "arm", OS: "linux", Variant: "7"},
		{Architecture: "arm", OS: "linux", Variant: "v8"},
		{Architecture: "arm64", OS: "linux"},
		{Architecture: "arm64", OS: "linux", Variant: "v8"},
		{Architecture: "amd64", OS: "windows"},
		{Architecture: "amd64", OS: "windows", OSVersion: "10.0.20348.1"},
		{Architecture: "amd64", OS: "windows", OSVersion: "10.0.20348"},
		{Architecture: "amd64", OS: "windows", OSFeatures: []string{"win32k"}},
		{Architecture: "amd64", OS: "windows", OSFeatures: []string{"other", "win32k"}},
		{Architecture: "amd64", OS: "windows", OSFeatures: []string{"win32k", "missing"}},
		{Architecture: "amd64", OS: "windows", OSVersion: "10.0.17763.1", OSFeatures: []string{"win32k"}},
		{Architecture: "riscv64", OS: "linux"},
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i, p := range entries {
		index.Manifests = append(index.Manifests, child(fmt.Sprintf("entry %d", i), p))
	}
	var cases []platformCase
	for _, want := range wants {
		cases = append(cases, platformCase{Name: "index of many", Root: encoded(index.MediaType, index), Want: want})
	}
	linux := ocispec.Platform{Architecture: "amd64", OS: "linux"}
	list := index
	list.MediaType = dockerList
	nested := ocispec.Index{Versioned: index.Versioned, MediaType: index.MediaType}
	nested.Manifests = []ocispec.Descriptor{blob(index.MediaType, must(marshal(index)))}
	return append(cases,
		platformCase{Name: "docker list", Root: encoded(dockerList, list), Want: linux},
		platformCase{Name: "empty index", Root: encoded(index.MediaType, annotated(nil)), Want: linux},
		platformCase{Name: "nested index", Root: encoded(index.MediaType, nested),
			Blobs: []typed{encoded(index.MediaType, index)}, Want: linux},
	)
}

func manifestPlatformCases() []platformCase {
	linux := ocispec.Platform{Architecture: "amd64", OS: "linux"}
	arm := ocispec.Platform{Architecture: "arm", OS: "linux", Variant: "v7"}
	image := func(name, mediaType, configType, config string, want ocispec.Platform) platformCase {
		manifest := ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: mediaType,
			Config:    blob(configType, config),
			Layers:    []ocispec.Descriptor{},
		}
		return platformCase{
			Name: name, Root: encoded(mediaType, manifest), Blobs: []typed{{configType, config}}, Want: want,
		}
	}
	oci, config := ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig
	amd64 := `{"architecture":"amd64","os":"linux"}`
	return []platformCase{
		image("image of the platform", oci, config, amd64, linux),
		image("image of another platform", oci, config, amd64, arm),
		image("image with variant", oci, config, `{"architecture":"arm","os":"linux","variant":"v7"}`, arm),
		image("image without the variant", oci, config, `{"architecture":"arm","os":"linux"}`, arm),
		image("docker image", dockerManifest, dockerConfig, amd64, linux),
		image("docker image with OCI config", dockerManifest, config, amd64, linux),
		image("OCI image with docker config", oci, dockerConfig, amd64, linux),
		image("artifact", oci, ocispec.MediaTypeEmptyJSON, "{}", linux),
		image("empty config", oci, config, "", linux),
		image("config that is no JSON", oci, config, "not JSON", linux),
		{Name: "blob", Root: typed{ocispec.MediaTypeImageLayer, "hello"}, Want: linux},
	}
}

func encoded(mediaType string, value any) typed {
	return typed{mediaType, must(marshal(value))}
}

func marshal(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}
