package main

import (
	"math"
	"strconv"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// child describes an image manifest that exists nowhere.
func child(name string, platform *ocispec.Platform) ocispec.Descriptor {
	desc := blob(ocispec.MediaTypeImageManifest, name)
	desc.Platform = platform
	return desc
}

func descriptorDocuments(docs *documents) {
	plain := layer("hello")
	change := func(name string, f func(*ocispec.Descriptor)) {
		docs.encode("descriptor-"+name, with(plain, f))
	}
	change("plain", func(*ocispec.Descriptor) {})
	change("zero-value", func(d *ocispec.Descriptor) { *d = ocispec.Descriptor{} })
	change("urls-one", func(d *ocispec.Descriptor) { d.URLs = []string{"https://example.com/a?b=1&c=<2>"} })
	change("urls-many", func(d *ocispec.Descriptor) { d.URLs = []string{"https://b.example/x", "http://a.example/x", ""} })
	change("urls-empty", func(d *ocispec.Descriptor) { d.URLs = []string{} })
	change("annotations", func(d *ocispec.Descriptor) { d.Annotations = map[string]string{"b": "2", "a": "1"} })
	change("annotations-empty", func(d *ocispec.Descriptor) { d.Annotations = map[string]string{} })
	change("annotation-empty-strings", func(d *ocispec.Descriptor) { d.Annotations = map[string]string{"": "", "k": ""} })
	change("data", func(d *ocispec.Descriptor) { d.Data = []byte("hello") })
	change("data-one-byte", func(d *ocispec.Descriptor) { d.Data = []byte{0xff} })
	change("data-two-bytes", func(d *ocispec.Descriptor) { d.Data = []byte{0xfb, 0xff} })
	change("data-empty", func(d *ocispec.Descriptor) { d.Data = []byte{} })
	change("data-all-bytes", func(d *ocispec.Descriptor) {
		for b := range 256 {
			d.Data = append(d.Data, byte(b))
		}
	})
	change("artifact-type", func(d *ocispec.Descriptor) { d.ArtifactType = "application/vnd.example+json" })
	change("sha512", func(d *ocispec.Descriptor) { d.Digest = digest.SHA512.FromString("hello") })
	change("every-field", func(d *ocispec.Descriptor) {
		d.URLs = []string{"https://example.com/hello"}
		d.Annotations = map[string]string{"k": "v"}
		d.Data = []byte("hello")
		d.Platform = fullPlatform()
		d.ArtifactType = "application/vnd.example"
	})
	docs.encode("descriptor-empty-json", ocispec.DescriptorEmptyJSON)
	for _, size := range []int64{0, 1, 1<<31 - 1, 1 << 32, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1e18, math.MaxInt64} {
		change("size-"+strconv.FormatInt(size, 10), func(d *ocispec.Descriptor) { d.Size = size })
	}
	platformDescriptors(docs)
}

func fullPlatform() *ocispec.Platform {
	return &ocispec.Platform{
		Architecture: "arm64",
		OS:           "windows",
		OSVersion:    "10.0.14393.1066",
		OSFeatures:   []string{"win32k", "another"},
		Variant:      "v8",
	}
}

func platformDescriptors(docs *documents) {
	platforms := []struct {
		name     string
		platform ocispec.Platform
	}{
		{"zero-value", ocispec.Platform{}},
		{"plain", ocispec.Platform{Architecture: "amd64", OS: "linux"}},
		{"variant", ocispec.Platform{Architecture: "arm", OS: "linux", Variant: "v7"}},
		{"os-version", ocispec.Platform{Architecture: "amd64", OS: "windows", OSVersion: "10.0.20348.2700"}},
		{"os-features", ocispec.Platform{Architecture: "amd64", OS: "windows", OSFeatures: []string{"win32k"}}},
		{"os-features-empty", ocispec.Platform{Architecture: "amd64", OS: "linux", OSFeatures: []string{}}},
		{"every-field", *fullPlatform()},
	}
	for _, p := range platforms {
		docs.encode("platform-"+p.name, child(p.name, &p.platform))
	}
}

func manifestDocuments(docs *documents) {
	versioned := specs.Versioned{SchemaVersion: 2}
	plain := ocispec.Manifest{
		Versioned: versioned,
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    blob(ocispec.MediaTypeImageConfig, "{}"),
		Layers:    []ocispec.Descriptor{layer("a"), layer("b")},
	}
	subject := child("subject", nil)
	change := func(name string, f func(*ocispec.Manifest)) {
		manifest := plain
		f(&manifest)
		docs.encode("manifest-"+name, manifest)
	}
	change("image", func(*ocispec.Manifest) {})
	change("zero-value", func(m *ocispec.Manifest) { *m = ocispec.Manifest{} })
	change("no-media-type", func(m *ocispec.Manifest) { m.MediaType = "" })
	change("layers-nil", func(m *ocispec.Manifest) { m.Layers = nil })
	change("layers-empty", func(m *ocispec.Manifest) { m.Layers = []ocispec.Descriptor{} })
	change("annotations-empty", func(m *ocispec.Manifest) { m.Annotations = map[string]string{} })
	change("artifact-type", func(m *ocispec.Manifest) { m.ArtifactType = "application/vnd.example" })
	change("subject", func(m *ocispec.Manifest) { m.Subject = &subject })
	change("subject-zero-value", func(m *ocispec.Manifest) { m.Subject = &ocispec.Descriptor{} })
	change("every-field", func(m *ocispec.Manifest) {
		m.ArtifactType = "application/vnd.example"
		m.Config = ocispec.DescriptorEmptyJSON
		m.Layers = []ocispec.Descriptor{titled(layer("a"), "a.txt"), titled(layer("b"), "dir/b.txt")}
		m.Subject = &subject
		m.Annotations = map[string]string{ocispec.AnnotationCreated: "2024-01-02T03:04:05Z", "k": "v"}
	})
	change("docker", func(m *ocispec.Manifest) {
		m.MediaType = dockerManifest
		m.Config = blob(dockerConfig, "{}")
		m.Layers = []ocispec.Descriptor{blob(dockerLayer, "a")}
	})
	change("many-layers", func(m *ocispec.Manifest) {
		m.Layers = nil
		for i := range 100 {
			m.Layers = append(m.Layers, layer(strconv.Itoa(i)))
		}
	})
}

func indexDocuments(docs *documents) {
	amd64 := child("amd64", &ocispec.Platform{Architecture: "amd64", OS: "linux"})
	arm := child("arm", &ocispec.Platform{Architecture: "arm", OS: "linux", Variant: "v7"})
	plain := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{amd64, arm},
	}
	change := func(name string, f func(*ocispec.Index)) {
		index := plain
		f(&index)
		docs.encode("index-"+name, index)
	}
	change("platforms", func(*ocispec.Index) {})
	change("zero-value", func(i *ocispec.Index) { *i = ocispec.Index{} })
	change("no-media-type", func(i *ocispec.Index) { i.MediaType = "" })
	change("manifests-nil", func(i *ocispec.Index) { i.Manifests = nil })
	change("manifests-empty", func(i *ocispec.Index) { i.Manifests = []ocispec.Descriptor{} })
	change("nested", func(i *ocispec.Index) {
		i.Manifests = []ocispec.Descriptor{blob(ocispec.MediaTypeImageIndex, "nested"), amd64}
	})
	change("attestation", func(i *ocispec.Index) {
		i.Manifests = append(i.Manifests[:1:1], with(
			child("attestation", &ocispec.Platform{Architecture: "unknown", OS: "unknown"}),
			func(d *ocispec.Descriptor) {
				d.Annotations = map[string]string{
					"vnd.docker.reference.type":   "attestation-manifest",
					"vnd.docker.reference.digest": amd64.Digest.String(),
				}
			}))
	})
	change("every-field", func(i *ocispec.Index) {
		i.ArtifactType = "application/vnd.example"
		i.Subject = &amd64
		i.Annotations = map[string]string{"z": "1", "A": "2"}
	})
	change("docker-list", func(i *ocispec.Index) {
		i.MediaType = dockerList
		i.Manifests = []ocispec.Descriptor{with(amd64, func(d *ocispec.Descriptor) { d.MediaType = dockerManifest })}
	})
}
