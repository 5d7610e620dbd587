package main

import (
	"errors"
	"strings"

	// The algorithms that a digest in a reference may name.
	_ "crypto/sha256"
	_ "crypto/sha512"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
)

// parsed is a reference taken apart, or the part that is wrong with it.
type parsed struct {
	Input      string  `json:"input"`
	Registry   *string `json:"registry,omitempty"`
	Repository *string `json:"repository,omitempty"`
	Reference  *string `json:"reference,omitempty"`
	String     *string `json:"string,omitempty"`
	Host       *string `json:"host,omitempty"`
	OrDefault  *string `json:"referenceOrDefault,omitempty"`
	Error      string  `json:"error,omitempty"`
	Invalid    string  `json:"invalid,omitempty"`
}

func newParsed(input string, ref registry.Reference, err error) parsed {
	if err != nil {
		if !errors.Is(err, errdef.ErrInvalidReference) {
			check(err)
		}
		return parsed{Input: input, Error: "InvalidReference", Invalid: invalidPart(err)}
	}
	text, host, orDefault := ref.String(), ref.Host(), ref.ReferenceOrDefault()
	return parsed{
		Input: input, Registry: &ref.Registry, Repository: &ref.Repository, Reference: &ref.Reference,
		String: &text, Host: &host, OrDefault: &orDefault,
	}
}

func invalidPart(err error) string {
	for _, part := range []string{"registry", "repository", "tag", "digest"} {
		if strings.Contains(err.Error(), ": invalid "+part+" ") {
			return part
		}
	}
	if strings.Contains(err.Error(), "mismatch between received") {
		return "repository"
	}
	return "form"
}

func referenceCases() []parsed {
	var cases []parsed
	for _, input := range referenceInputs() {
		ref, err := registry.ParseReference(input)
		cases = append(cases, newParsed(input, ref, err))
	}
	return cases
}

const (
	sha256Hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	zeros       = "0000000000000000000000000000000000000000000000000000000000000000"
)

func referenceInputs() []string {
	sha384, sha512 := digest.SHA384.FromString("hello").String(), digest.SHA512.FromString("hello").String()
	inputs := []string{
		// the four forms
		"registry.example.com/hello@" + sha256Hello, "registry.example.com/hello:v1@" + sha256Hello, "registry.example.com/hello:v1",
		"registry.example.com/hello",
		// no slash, no registry, no repository
		"", "hello", "hello:v1", "hello@" + sha256Hello, "/", "/hello", "registry/", "registry//", "registry//hello", "registry/:v1", "registry/@" + sha256Hello,
		"localhost", "localhost:5000", "library/hello", "docker.io/library/hello:v1", "docker.io/hello", "index.docker.io/hello", "registry-1.docker.io/hello",
		"DOCKER.IO/hello", "docker.io:443/hello",
		// the tag in front of a digest, and empty tails
		"r/hello:bad tag!@" + sha256Hello, "r/hello:@" + sha256Hello, "r/hello::@" + sha256Hello, "r/hello:v1:v2@" + sha256Hello, "r/hello:", "r/hello@", "r/hello:@",
		"r/hello@@" + sha256Hello, "r/hello@" + sha256Hello + "@" + sha256Hello, "r/hello@" + sha256Hello + ":v1", "r/hello@v1",
		// digests posing as tags, tags posing as digests
		"r/hello:" + sha256Hello, "r/hello:sha256", "r/hello:sha256-" + zeros, "r/hello@sha256-" + zeros, "r/hello:sha512-" + repeat("0", 128),
	}
	for _, d := range []string{
		sha384, sha512, "sha256:" + zeros, "sha256:" + zeros[1:], "sha256:" + zeros + "0", "sha256:", "sha256", ":" + zeros, "SHA256:" + zeros,
		"sha256:" + strings.ToUpper(sha256Hello[7:]), "sha256:" + zeros[1:] + "g", "sha1:" + zeros[:40], "md5:" + zeros[:32], "blake3:" + zeros,
		"sha512:" + zeros, "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564", "unknown:abc", "unknown+x.y_z-w:A=_-", "unknown++x:abc", "sha256:" + zeros + "\n",
		" sha256:" + zeros, "sha256 :" + zeros,
	} {
		inputs = append(inputs, "r/hello@"+d)
	}
	for _, repository := range []string{
		"a", "0", "a/b", "a/b/c/d/e/f/g", "a.b", "a_b", "a__b", "a-b", "a--b", "a---------b", "a.b_c__d-e--f", "a..b", "a___b", "a.-b", "a-.b", "a_-b", "a_.b", "a.",
		"a_", "a-", ".a", "_a", "-a", "a/", "/a", "a//b", "a/.b", "a/b.", "A", "aB", "é", "a b", "a%20b", "a?b", "a#b", "a\\b", "a+b", "a~b", "a\n", "a\x00", "..", "a/../b", ".",
		repeat("a", 255), repeat("a", 256), repeat("a/", 200) + "a",
	} {
		inputs = append(inputs, "r/"+repository)
	}
	for _, tag := range []string{
		"latest", "v1.0.0", "V1", "_", "_a", "1", "a.b-c_d", "a..b", "a-", "a.", "a__", ".a", "-a", "a/b", "a:b", "a+b", "a b", "é", "a\n", "a@", "a#", "a%20", repeat("a", 128), repeat("a", 129),
		" ", " v1", "v1 ",
	} {
		inputs = append(inputs, "r/hello:"+tag)
	}
	return append(inputs, hostInputs()...)
}

func hostInputs() []string {
	var inputs []string
	for _, host := range []string{
		"localhost", "localhost:5000", "registry.example.com", "registry.example.com:443", "REGISTRY.Example.COM", "a", "a-b.c-d", "a_b.example", "_a", "-a", "a-", "a.", ".a", "a..b", "....",
		"127.0.0.1", "127.0.0.1:5000", "256.1.1.1", "1", "[::1]", "[::1]:5000", "::1", "2001:db8::1", "[2001:db8::1]:443", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1", "::1]", "[]", "[]:5000", "[v1.x]",
		"[127.0.0.1]", "host:", ":5000", ":", "host:0", "host:1", "host:65535", "host:65536", "host:99999", "host:-1", "host:+1", "host:http", "host:5000:5000", "host: 5000", "host:05000", "ho st", " host", "host ", "host\t", "host\n",
		"u@host", "u:p@host", "host?x", "host#x", "host\\x", "host%20", "%68ost", "host%", "bücher.example", "xn--bcher-kva.example", "例え.jp", "host\x00", "host\x7f", "ho<st", "ho\"st", "ho|st", "ho^st", "ho`st", "ho{st}", "ho!st", "ho$st",
		"ho&st", "ho'st", "ho(st)", "ho*st", "ho+st", "ho,st", "ho;st", "ho=st", "ho~st", "dummy:", "oci:", "http:", "https:",
	} {
		inputs = append(inputs, host+"/hello:v1")
	}
	for _, scheme := range []string{"oci://", "http://", "https://", "OCI://", "oci://https://", "oci:", "docker://"} {
		inputs = append(inputs, scheme+"registry.example.com/hello:v1")
	}
	return append(inputs, "r/hello:v1,v2", "r/hello:v1, v2", "r/hello@"+sha256Hello+","+sha256Hello, " r/hello", "r/hello ", "r /hello", "r/ hello")
}

// relativeReferenceCases parses as a repository named registry.example.com/hello does.
func relativeReferenceCases() []parsed {
	repo := must(remote.NewRepository("registry.example.com/hello"))
	var cases []parsed
	for _, input := range []string{
		"v1", "latest", "", "@", ":", ":v1", "@v1", sha256Hello, "@" + sha256Hello, "v1@" + sha256Hello, "bad tag!@" + sha256Hello, "a/b@" + sha256Hello,
		"registry.example.com/hello:v1", "registry.example.com/hello@" + sha256Hello, "registry.example.com/hello:v1@" + sha256Hello, "registry.example.com/hello",
		"registry.example.com/hello:", "registry.example.com/hello@", "registry.example.com/other:v1", "other.example.com/hello:v1", "REGISTRY.example.com/hello:v1",
		"registry.example.com:443/hello:v1", "registry.example.com/hello/world:v1", "hello:v1", "hello/world:v1", "hello", "hello@" + sha256Hello, "sha256:abc", "sha256:" + zeros + "0",
		"SHA256:" + zeros, "unknown:abc", "v1:v2", "a b", "v1\n", ".v1", repeat("a", 128), repeat("a", 129), "registry.example.com/hello:bad tag!", "registry.example.com/hello@sha256:abc",
		"https://registry.example.com/hello:v1",
	} {
		ref, err := repo.ParseReference(input)
		cases = append(cases, newParsed(input, ref, err))
	}
	return cases
}
