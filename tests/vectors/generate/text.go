package main

import (
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// textDocuments covers how strings are written and how keys are sorted.
func textDocuments(docs *documents) {
	control := ""
	for b := range 0x20 {
		control += string(rune(b))
	}
	for _, c := range []struct{ name, text string }{
		{"html", "<a href='x'>R&D</a>"},
		{"line-separators", "a\u2028b\u2029c"},
		{"quotes-and-backslash", `say "hi" \ / 'it'`},
		{"named-controls", "\b\f\n\r\t"},
		{"nul", "\x00"},
		{"unit-separator", "\x1f"},
		{"delete", "\x7f"},
		{"every-control", control},
		{"c1-controls", "\u0080\u0085\u009f\u00a0\u00ad"},
		{"emoji", "😀👩‍👩‍👧‍👦🏳️‍🌈"},
		{"combining", "e\u0301 is not \u00e9"},
		{"right-to-left", "\u202eabc\u202c \u05d0\u05d1"},
		{"byte-order-mark", "\ufeffx"},
		{"replacement-character", "\ufffd"},
		{"noncharacters", "\uffff\U0010ffff\ue000"},
		{"digits-and-escapes", `\u0041 \n %20 &amp;`},
		{"long", repeat("0123456789abcdef", 256)},
	} {
		docs.encode("text-"+c.name, annotated(map[string]string{"k": c.text}))
		if c.name != "long" {
			docs.encode("text-key-"+c.name, annotated(map[string]string{c.text: "v", "k": "v"}))
		}
	}
	for _, c := range []struct {
		name string
		keys []string
	}{
		{"case", []string{"b", "B", "a", "A", "_", "-", "1", "~", " "}},
		{"prefixes", []string{"a", "aa", "a.b", "a-b", "a/b", "a_b", ""}},
		{"numbers", []string{"10", "9", "1", "01", "1.0"}},
		{"unicode", []string{"z", "é", "e\u0301", "Z", "\uffff", "😀", "\ue000", "ß", "中"}},
		{"reserved", []string{ocispec.AnnotationVersion, ocispec.AnnotationCreated, "org.example.a", "com.example.z"}},
		{"escaped", []string{"<", "=", ">", "&", "%", "'", "\"", "\\", "\n", "\u2028", "\x7f"}},
	} {
		annotations := map[string]string{}
		for _, key := range c.keys {
			annotations[key] = "v"
		}
		docs.encode("keys-"+c.name, annotated(annotations))
	}
	odd := "a<b>\u2028\"\\\x01é"
	free := layer("hello")
	free.URLs = []string{odd}
	free.Platform = &ocispec.Platform{Architecture: odd, OS: odd, OSVersion: odd, OSFeatures: []string{odd}, Variant: odd}
	docs.encode("text-in-free-fields", free)
	every := free
	every.MediaType, every.Digest, every.ArtifactType = odd, "sha256:<&>", odd
	docs.encode("text-in-every-field", every)
}

func annotated(annotations map[string]string) ocispec.Index {
	return ocispec.Index{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageIndex,
		Manifests:   []ocispec.Descriptor{},
		Annotations: annotations,
	}
}
