package main

import (
	"errors"
	"strings"

	"github.com/opencontainers/go-digest"
)

type digestCase struct {
	Input     string `json:"input"`
	Verdict   string `json:"verdict"`
	Algorithm string `json:"algorithm,omitempty"`
	Encoded   string `json:"encoded,omitempty"`
}

func digestCases() []digestCase {
	hello := []string{
		digest.SHA256.FromString("hello").String(), digest.SHA384.FromString("hello").String(), digest.SHA512.FromString("hello").String(),
		digest.SHA256.FromString("").String(), digest.SHA512.FromString("").String(),
	}
	inputs := append(hello,
		"", ":", "a", "a:", ":a", "sha256", "sha256:", ":"+zeros, "sha256:"+zeros, "sha256:"+zeros[1:], "sha256:"+zeros+"0", "sha256:"+zeros+zeros, "sha256::"+zeros,
		"sha256:"+zeros[1:]+"g", "sha256:"+zeros[1:]+"A", "sha256:"+strings.ToUpper(sha256Hello[7:]), "SHA256:"+zeros, "Sha256:"+zeros, "sha-256:"+zeros, "sha256 :"+zeros,
		" sha256:"+zeros, "sha256:"+zeros+" ", "sha256:"+zeros+"\n", "sha256: "+zeros[1:], "sha256:"+zeros[1:]+"\n", "sha256:"+zeros[2:]+"é", "sha256:"+zeros[1:]+"/", "sha256:../"+zeros[3:],
		"sha384:"+repeat("0", 96), "sha384:"+repeat("0", 95), "sha384:"+repeat("0", 64), "sha512:"+repeat("0", 128), "sha512:"+repeat("0", 127), "sha512:"+repeat("0", 64), "sha512:"+repeat("F", 128),
		"sha1:"+zeros[:40], "md5:"+zeros[:32], "blake3:"+zeros, "sha224:"+zeros[:56], "sha3-256:"+zeros, "sha512-256:"+zeros, "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
		"a:b", "a.b+c_d-e:f", "a..b:c", "a+:b", "+a:b", "a+-b:c", "A:b", "aB:c", "é:b", "a:b=", "a:b_-=", "a:b.c", "a:b c", "a:b:c", "a:é", "a b:c", "a\n:b", "a:b\n", "1:2", "-:a", "a:-", "a:=", "a:_",
		"multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise+overall+truncation:alsoSome=InTheEncodedSectionToShowHyphenReplacementAndLotsAndLotsOfCharactersToExcerciseEncodedTruncation",
	)
	var cases []digestCase
	for _, input := range inputs {
		d, err := digest.Parse(input)
		c := digestCase{Input: input}
		switch {
		case err == nil:
			c.Verdict, c.Algorithm, c.Encoded = "ok", d.Algorithm().String(), d.Encoded()
		case errors.Is(err, digest.ErrDigestInvalidFormat):
			c.Verdict = "InvalidFormat"
		case errors.Is(err, digest.ErrDigestInvalidLength):
			c.Verdict = "InvalidLength"
		case errors.Is(err, digest.ErrDigestUnsupported):
			c.Verdict = "Unsupported"
		default:
			check(err)
		}
		cases = append(cases, c)
	}
	return cases
}
