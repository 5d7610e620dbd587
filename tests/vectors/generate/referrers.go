package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
)

// wire is a registry without a referrers API, as far as the referrers tag
// needs one. It is the HTTP client of a repository, so no socket is opened.
type wire struct {
	manifests map[string][]byte
	types     map[string]string
	asked     string
}

func newWire() *wire {
	return &wire{manifests: map[string][]byte{}, types: map[string]string{}}
}

func (w *wire) Do(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	_, name, found := strings.Cut(req.URL.Path, "/manifests/")
	if !found {
		answer.WriteHeader(http.StatusNotFound)
		return answer.Result(), nil
	}
	w.asked = name
	switch req.Method {
	case http.MethodPut:
		text := must(io.ReadAll(req.Body))
		for _, key := range []string{name, digest.FromBytes(text).String()} {
			w.manifests[key], w.types[key] = text, req.Header.Get("Content-Type")
		}
		answer.Header().Set("Docker-Content-Digest", digest.FromBytes(text).String())
		answer.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		delete(w.manifests, name)
		answer.WriteHeader(http.StatusAccepted)
	default:
		w.read(answer, name)
	}
	response := answer.Result()
	response.Request = req
	response.ContentLength = int64(answer.Body.Len())
	if req.Method == http.MethodHead {
		response.ContentLength = int64(len(w.manifests[name]))
	}
	return response, nil
}

func (w *wire) read(answer *httptest.ResponseRecorder, name string) {
	text, found := w.manifests[name]
	if !found {
		answer.WriteHeader(http.StatusNotFound)
		return
	}
	answer.Header().Set("Content-Type", w.types[name])
	answer.Header().Set("Docker-Content-Digest", digest.FromBytes(text).String())
	_, err := answer.Write(text)
	check(err)
}

func (w *wire) repository() *remote.Repository {
	repo := must(remote.NewRepository("registry.example.com/hello"))
	repo.Client = w
	check(repo.SetReferrersCapability(false))
	return repo
}

// referrersDocuments writes the index under the referrers tag as it stands
// after each push and delete of a referrer.
func referrersDocuments(docs *documents) {
	ctx := context.Background()
	w := newWire()
	repo := w.repository()
	repo.SkipReferrersGC = true
	subject := child("subject", nil)
	tag := strings.Replace(subject.Digest.String(), ":", "-", 1)
	var last ocispec.Descriptor
	for _, c := range referrersOf(subject) {
		text := []byte(must(marshal(c.manifest)))
		last = content.NewDescriptorFromBytes(c.mediaType, text)
		check(repo.Push(ctx, last, bytes.NewReader(text)))
		docs.add("referrers-after-"+c.name, kindIndex, byRemote, w.manifests[tag])
	}
	check(repo.Delete(ctx, last))
	docs.add("referrers-after-delete", kindIndex, byRemote, w.manifests[tag])

	lone := newWire()
	repo = lone.repository()
	repo.SkipReferrersGC = true
	text := []byte(must(marshal(referrersOf(subject)[0].manifest)))
	only := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, text)
	check(repo.Push(ctx, only, bytes.NewReader(text)))
	check(repo.Delete(ctx, only))
	docs.add("referrers-after-last-delete", kindIndex, byRemote, lone.manifests[tag])
}

type referrer struct {
	name      string
	mediaType string
	manifest  any
}

func referrersOf(subject ocispec.Descriptor) []referrer {
	image := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    blob("application/vnd.example.config", "{}"),
		Layers:    []ocispec.Descriptor{ocispec.DescriptorEmptyJSON},
		Subject:   &subject,
	}
	typed := image
	typed.ArtifactType, typed.Config = "application/vnd.example.signature", ocispec.DescriptorEmptyJSON
	typed.Annotations = map[string]string{"z": "<last>", "A": "first"}
	index := annotated(map[string]string{"of": "index"})
	index.ArtifactType, index.Subject = "application/vnd.example.bundle", &subject
	untyped := annotated(nil)
	untyped.Subject = &subject
	return []referrer{
		{"image-with-config-type", ocispec.MediaTypeImageManifest, image},
		{"image-with-artifact-type", ocispec.MediaTypeImageManifest, typed},
		{"index", ocispec.MediaTypeImageIndex, index},
		{"index-without-type", ocispec.MediaTypeImageIndex, untyped},
	}
}

type referrersTagCase struct {
	Subject string `json:"subject"`
	Tag     string `json:"tag,omitempty"`
	Error   string `json:"error,omitempty"`
}

// referrersTagCases asks for the referrers of a subject and sees what is fetched.
func referrersTagCases() []referrersTagCase {
	var cases []referrersTagCase
	for _, subject := range []string{
		sha256Hello, "sha256:" + zeros, "sha256:" + repeat("f", 64), digest.SHA384.FromString("hello").String(), digest.SHA512.FromString("hello").String(),
		"sha512:" + repeat("a", 128), "blake3:" + zeros, "sha256:abc", "sha256:" + repeat("F", 64), "no digest", "",
		"test+algorithm+using+algorithm+separators:alsoSome=InTheEncodedSection",
	} {
		w := newWire()
		desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(subject), Size: 5}
		err := w.repository().Referrers(context.Background(), desc, "", func([]ocispec.Descriptor) error { return nil })
		c := referrersTagCase{Subject: subject, Tag: w.asked}
		switch {
		case errors.Is(err, errdef.ErrInvalidReference):
			c.Error = "InvalidReference"
		case err != nil:
			c.Error = "InvalidDigest"
		}
		cases = append(cases, c)
	}
	return cases
}
