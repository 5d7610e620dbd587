package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Who wrote a document.
const (
	byPackManifest = "PackManifest"
	byPack         = "Pack"
	byEncoder      = "encoding/json"
	byLayout       = "content/oci"
	byRemote       = "registry/remote"
)

const (
	kindManifest   = "manifest"
	kindIndex      = "index"
	kindDescriptor = "descriptor"
	kindArtifact   = "artifact"
)

// document is one file of canonical/. It is well-formed if every descriptor in
// it has a valid digest and a media type of the shape that RFC 6838 asks for.
type document struct {
	File       string        `json:"file"`
	Kind       string        `json:"kind"`
	By         string        `json:"by"`
	Digest     digest.Digest `json:"digest"`
	Size       int           `json:"size"`
	WellFormed bool          `json:"wellFormed"`
	text       []byte
}

// documents gathers what goes into canonical/.
type documents struct {
	all []document
}

func (d *documents) add(name, kind, by string, text []byte) {
	d.all = append(d.all, document{
		File:       fmt.Sprintf("%03d-%s.json", len(d.all)+1, name),
		Kind:       kind,
		By:         by,
		Digest:     digest.FromBytes(text),
		Size:       len(text),
		WellFormed: wellFormed(text),
		text:       text,
	})
}

var mediaType = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$`)

// wellFormed looks at whatever in text has the fields of a descriptor.
func wellFormed(text []byte) bool {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		return !slices.ContainsFunc(list, func(item json.RawMessage) bool { return !wellFormed(item) })
	}
	if json.Unmarshal(text, &object) != nil {
		return true
	}
	var desc ocispec.Descriptor
	if object["digest"] != nil && object["size"] != nil && json.Unmarshal(text, &desc) == nil {
		return desc.Digest.Validate() == nil && mediaType.MatchString(desc.MediaType)
	}
	for _, item := range object {
		if !wellFormed(item) {
			return false
		}
	}
	return true
}

// encode adds value as Go's encoder writes it; its type tells the kind.
func (d *documents) encode(name string, value any) {
	kind := ""
	switch value.(type) {
	case ocispec.Manifest:
		kind = kindManifest
	case ocispec.Index:
		kind = kindIndex
	case ocispec.Descriptor:
		kind = kindDescriptor
	default:
		check(fmt.Errorf("%s: %T has no kind", name, value))
	}
	d.add(name, kind, byEncoder, must(json.Marshal(value)))
}

func (d *documents) write(dir string) {
	check(os.MkdirAll(dir, 0o755))
	for _, old := range must(filepath.Glob(filepath.Join(dir, "*.json"))) {
		check(os.Remove(old))
	}
	for _, doc := range d.all {
		check(os.WriteFile(filepath.Join(dir, doc.File), doc.text, 0o644))
	}
	writeLines(filepath.Join(dir, "manifest.jsonl"), d.all)
}

// blob describes content under a media type.
func blob(mediaType, content string) ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: mediaType,
		Digest:    digest.FromString(content),
		Size:      int64(len(content)),
	}
}

// layer describes content as a plain tar layer.
func layer(content string) ocispec.Descriptor {
	return blob(ocispec.MediaTypeImageLayer, content)
}

// with returns desc changed by change.
func with(desc ocispec.Descriptor, change func(*ocispec.Descriptor)) ocispec.Descriptor {
	change(&desc)
	return desc
}

// titled returns desc with a file name, as the file store annotates it.
func titled(desc ocispec.Descriptor, title string) ocispec.Descriptor {
	desc.Annotations = map[string]string{ocispec.AnnotationTitle: title}
	return desc
}

// repeat returns unit written n times.
func repeat(unit string, n int) string {
	return strings.Repeat(unit, n)
}
