package main

import (
	"context"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
)

const created = "2024-01-02T03:04:05Z"

// packInput is what PackManifest is given; null stands for nil.
type packInput struct {
	Version             string               `json:"version"`
	ArtifactType        string               `json:"artifactType"`
	Layers              []ocispec.Descriptor `json:"layers"`
	Config              *ocispec.Descriptor  `json:"config"`
	ConfigAnnotations   map[string]string    `json:"configAnnotations"`
	ManifestAnnotations map[string]string    `json:"manifestAnnotations"`
	Subject             *ocispec.Descriptor  `json:"subject"`
}

type packCase struct {
	Name string `json:"name"`
	packInput
	Manifest   string              `json:"manifest,omitempty"`
	Digest     digest.Digest       `json:"digest,omitempty"`
	Descriptor *ocispec.Descriptor `json:"descriptor,omitempty"`
	Error      string              `json:"error,omitempty"`
}

// packCases runs PackManifest over every input; what succeeds is a document too.
func packCases(docs *documents) []packCase {
	var cases []packCase
	for _, group := range [][]namedInput{packInputs("1.0"), packInputs("1.1"), packDates(), packMediaTypes()} {
		for _, in := range group {
			result, text := pack(in)
			cases = append(cases, result)
			if result.Error == "" && in.document {
				docs.add("pack-"+in.name, kindManifest, byPackManifest, text)
			}
		}
	}
	return cases
}

func pack(in namedInput) (packCase, []byte) {
	ctx := context.Background()
	version := map[string]oras.PackManifestVersion{
		"1.0": oras.PackManifestVersion1_0,
		"1.1": oras.PackManifestVersion1_1,
	}[in.Version]
	store := memory.New()
	desc, err := oras.PackManifest(ctx, store, version, in.ArtifactType, oras.PackManifestOptions{
		Subject:             in.Subject,
		Layers:              in.Layers,
		ManifestAnnotations: in.ManifestAnnotations,
		ConfigDescriptor:    in.Config,
		ConfigAnnotations:   in.ConfigAnnotations,
	})
	result := packCase{Name: in.name, packInput: in.packInput}
	if err != nil {
		result.Error = packError(err)
		return result, nil
	}
	text := must(content.FetchAll(ctx, store, desc))
	result.Manifest, result.Digest, result.Descriptor = string(text), desc.Digest, &desc
	return result, text
}

func packError(err error) string {
	for name, kind := range map[string]error{
		"MissingArtifactType":   oras.ErrMissingArtifactType,
		"InvalidMediaType":      errdef.ErrInvalidMediaType,
		"InvalidDateTimeFormat": oras.ErrInvalidDateTimeFormat,
		"Unsupported":           errdef.ErrUnsupported,
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	check(err)
	return ""
}

// deprecatedPackDocuments writes what Pack makes: the manifests of the release
// candidates of image-spec 1.1, which are still found in registries.
func deprecatedPackDocuments(docs *documents) {
	subject := child("subject", nil)
	config := blob("application/vnd.example.config+json", `{"a":1}`)
	layers := []ocispec.Descriptor{titled(layer("a"), "a.txt"), layer("b")}
	image := map[string]string{ocispec.AnnotationCreated: created}
	artifact := map[string]string{"org.opencontainers.artifact.created": created}
	for _, c := range []struct {
		name, artifactType string
		blobs              []ocispec.Descriptor
		options            oras.PackOptions
	}{
		{"rc2-minimal", "", nil, oras.PackOptions{PackImageManifest: true, ManifestAnnotations: image}},
		{"rc2-typed", "application/vnd.example", layers, oras.PackOptions{PackImageManifest: true, ManifestAnnotations: image}},
		{"rc2-config-annotations", "application/vnd.example", layers, oras.PackOptions{
			PackImageManifest: true, ManifestAnnotations: image, ConfigAnnotations: map[string]string{"k": "v"}}},
		{"rc2-config-and-subject", "ignored/type", layers, oras.PackOptions{
			PackImageManifest: true, ManifestAnnotations: image, ConfigDescriptor: &config, Subject: &subject}},
		{"artifact-minimal", "", nil, oras.PackOptions{ManifestAnnotations: artifact}},
		{"artifact-empty-blobs", "application/vnd.example", []ocispec.Descriptor{}, oras.PackOptions{ManifestAnnotations: artifact}},
		{"artifact-blobs", "application/vnd.example", layers, oras.PackOptions{ManifestAnnotations: artifact}},
		{"artifact-subject", "application/vnd.example", layers, oras.PackOptions{ManifestAnnotations: artifact, Subject: &subject}},
	} {
		ctx := context.Background()
		store := memory.New()
		desc := must(oras.Pack(ctx, store, c.artifactType, c.blobs, c.options))
		reader := must(store.Fetch(ctx, desc))
		kind := kindArtifact
		if c.options.PackImageManifest {
			kind = kindManifest
		}
		docs.add("deprecated-"+c.name, kind, byPack, must(io.ReadAll(reader)))
	}
}
