package main

import (
	"maps"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// namedInput is an input of PackManifest. With document set, its manifest is
// worth a file of its own in canonical/.
type namedInput struct {
	packInput
	name     string
	document bool
}

const exampleType = "application/vnd.example.thing.v1+json"

// at returns annotations with a fixed time of creation.
func at(annotations map[string]string) map[string]string {
	fixed := map[string]string{ocispec.AnnotationCreated: created}
	maps.Copy(fixed, annotations)
	return fixed
}

// packInputs varies every option of one version.
func packInputs(version string) []namedInput {
	subject := with(child("subject", nil), func(d *ocispec.Descriptor) { d.ArtifactType = "application/vnd.example.subject" })
	config := with(blob("application/vnd.example.config+json", `{"a":1}`), func(d *ocispec.Descriptor) {
		d.Annotations = map[string]string{"of": "config"}
	})
	empty := ocispec.DescriptorEmptyJSON
	imageConfig := blob(ocispec.MediaTypeImageConfig, `{"architecture":"amd64","os":"linux"}`)
	var inputs []namedInput
	add := func(name string, change func(*packInput)) {
		in := packInput{Version: version, ArtifactType: exampleType, ManifestAnnotations: at(nil)}
		change(&in)
		inputs = append(inputs, namedInput{packInput: in, name: "v" + version + "-" + name, document: true})
	}
	add("minimal", func(*packInput) {})
	add("no-artifact-type", func(in *packInput) { in.ArtifactType = "" })
	add("empty-layers", func(in *packInput) { in.Layers = []ocispec.Descriptor{} })
	add("one-layer", func(in *packInput) { in.Layers = []ocispec.Descriptor{titled(layer("a"), "a.txt")} })
	add("many-layers", func(in *packInput) {
		in.Layers = []ocispec.Descriptor{titled(layer("c"), "c.txt"), layer("a"), titled(layer("b"), "dir/b.txt"), layer("a")}
	})
	add("full-layer", func(in *packInput) {
		in.Layers = []ocispec.Descriptor{with(layer("a"), func(d *ocispec.Descriptor) {
			d.URLs, d.Data, d.Platform, d.ArtifactType = []string{"https://example.com/a"}, []byte("a"), fullPlatform(), "a/b"
			d.Annotations = map[string]string{"y": "", "x": "<>"}
		})}
	})
	add("manifest-annotations", func(in *packInput) { in.ManifestAnnotations = at(map[string]string{"b": "<&>", "A": "é"}) })
	add("config-annotations", func(in *packInput) { in.ConfigAnnotations = map[string]string{"b": "2", "a": "1"} })
	add("config-annotations-empty", func(in *packInput) { in.ConfigAnnotations = map[string]string{} })
	add("config", func(in *packInput) { in.Config = &config })
	add("config-without-artifact-type", func(in *packInput) { in.Config, in.ArtifactType = &config, "" })
	add("config-ignores-config-annotations", func(in *packInput) {
		in.Config, in.ConfigAnnotations = &config, map[string]string{"lost": "yes"}
	})
	add("config-empty-json", func(in *packInput) { in.Config = &empty })
	add("config-empty-json-without-artifact-type", func(in *packInput) { in.Config, in.ArtifactType = &empty, "" })
	add("config-image", func(in *packInput) {
		in.Config, in.ArtifactType, in.Layers = &imageConfig, "", []ocispec.Descriptor{layer("a")}
	})
	add("config-bad-media-type", func(in *packInput) {
		in.Config = &ocispec.Descriptor{MediaType: "no slash", Digest: config.Digest, Size: config.Size}
	})
	add("config-no-media-type", func(in *packInput) { in.Config = &ocispec.Descriptor{Digest: config.Digest, Size: config.Size} })
	add("config-with-bad-artifact-type", func(in *packInput) { in.Config, in.ArtifactType = &config, "no slash" })
	add("subject", func(in *packInput) { in.Subject = &subject })
	add("subject-full", func(in *packInput) {
		full := with(subject, func(d *ocispec.Descriptor) { d.Annotations, d.Platform = map[string]string{"k": "v"}, fullPlatform() })
		in.Subject = &full
	})
	add("everything", func(in *packInput) {
		in.Config, in.Layers = &config, []ocispec.Descriptor{titled(layer("a"), "a.txt"), layer("b")}
		in.ManifestAnnotations = at(map[string]string{"k": "v"})
		if version != "1.0" {
			in.Subject = &subject
		}
	})
	return inputs
}

// packDates tries values of the created annotation: Go's RFC 3339 is the judge.
func packDates() []namedInput {
	var inputs []namedInput
	for _, date := range []string{
		"2024-01-02T03:04:05Z", "2024-01-02T03:04:05+09:00", "2024-01-02T03:04:05-00:00", "2024-01-02T03:04:05.1Z",
		"2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.1234567891234Z", "2024-02-29T00:00:00Z", "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z", "", " ", "yesterday", "2024-01-02", "2024-01-02T03:04:05", "2024-01-02 03:04:05Z",
		"2024-01-02t03:04:05z", "2024-01-02T03:04:05z", "2024-01-02T03:04Z", "2024-1-2T03:04:05Z", "2024-01-02T3:04:05Z",
		"2024-01-02T03:04:05,5Z", "2024-01-02T03:04:05.Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
		"2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z", "2024-01-02T24:00:00Z", "2024-01-02T23:60:00Z", "2024-01-02T23:59:60Z",
		"2024-01-02T03:04:05+24:00", "2024-01-02T03:04:05+23:59", "2024-01-02T03:04:05+00:60", "2024-01-02T03:04:05+0900",
		"2024-01-02T03:04:05Z ", " 2024-01-02T03:04:05Z", "12024-01-02T03:04:05Z", "1704164645",
	} {
		annotations := map[string]string{ocispec.AnnotationCreated: date}
		inputs = append(inputs, namedInput{
			packInput: packInput{Version: "1.1", ArtifactType: exampleType, ManifestAnnotations: annotations},
			name:      "date " + date,
		})
	}
	return inputs
}

// packMediaTypes tries values of the artifact type.
func packMediaTypes() []namedInput {
	var inputs []namedInput
	for _, artifactType := range []string{
		"a/b", "A/B", "1/2", "text/plain", "application/vnd.a!b#c$d&e^f_g.h+i-j", repeat("a", 127) + "/" + repeat("b", 127),
		repeat("a", 128) + "/b", "a/" + repeat("b", 128), "a", "/", "a/", "/b", "a/b/c", "a b/c", "a/b; charset=utf-8", ".a/b", "a/-b",
		"a/b ", " a/b", "a/b\n", "é/b", "a/é", "a/b*", "*/*", "test", "<a>/b",
	} {
		inputs = append(inputs, namedInput{
			packInput: packInput{Version: "1.1", ArtifactType: artifactType, ManifestAnnotations: at(nil)},
			name:      "type " + artifactType,
		})
	}
	return inputs
}
