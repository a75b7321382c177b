package webhook_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGenuineDeliveryIsVerified(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		got := s.wantVerified(t, s.sign(t, rawKey, arrival, someBody))
		if got.By != "secret 1 of 1" {
			t.Errorf("verified by %q", got.By)
		}
		wantWeak := s.id == "" && !s.keyed
		if got.Parts[0].Weak != wantWeak {
			t.Errorf("weak key: %v, want %v", got.Parts[0].Weak, wantWeak)
		}
	})
}

func TestAnyFlippedBitOfTheBodyIsRefused(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		if s.shown {
			return // signs nothing
		}
		d := s.sign(t, rawKey, arrival, someBody)
		genuine, _ := url.ParseQuery(string(d.Body))
		for bit := range len(d.Body) * 8 {
			d.Body[bit/8] ^= 1 << (bit % 8)
			// Of a form its values are signed, and not how they are escaped: %7B is %7b.
			if values, err := url.ParseQuery(string(d.Body)); !s.form || err != nil || !maps.EqualFunc(values, genuine, slices.Equal) {
				s.wantRefused(t, d, http.StatusUnauthorized)
			}
			d.Body[bit/8] ^= 1 << (bit % 8)
		}
	})
}

func TestChangedBodyIsRefused(t *testing.T) {
	var value any
	if err := json.Unmarshal([]byte(someBody), &value); err != nil {
		t.Fatal(err)
	}
	reencoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(s sender, body string) string{
		"line feed added": func(_ sender, body string) string { return body + "\n" },
		"re-encoded":      func(s sender, _ string) string { return s.body(string(reencoded)) },
		"emptied":         func(sender, string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			eachSender(t, func(t *testing.T, s sender) {
				if s.shown {
					return
				}
				d := s.sign(t, rawKey, arrival, someBody)
				d.Body = []byte(change(s, string(d.Body)))
				s.wantRefused(t, d, http.StatusUnauthorized)
			})
		})
	}
}

func TestKeyWrongByOneByteIsRefused(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		for i := range len(rawKey) {
			wrong := []byte(rawKey)
			wrong[i] ^= 1
			s.wantRefused(t, s.sign(t, string(wrong), arrival, someBody), http.StatusUnauthorized)
		}
	})
}

func TestING13_ReplayWindowIsInclusiveBothWays(t *testing.T) {
	for offset, fresh := range map[time.Duration]bool{
		-301 * time.Second: false, -300 * time.Second: true, 0: true,
		300 * time.Second: true, 301 * time.Second: false,
	} {
		eachSender(t, func(t *testing.T, s sender) {
			d := s.sign(t, rawKey, arrival.Add(offset), someBody)
			if fresh || !s.stamped {
				s.wantVerified(t, d)
				return
			}
			s.wantRefused(t, d, http.StatusUnauthorized)
		})
	}
}

func TestING13_ArrivalIsCutToTheStampsUnit(t *testing.T) {
	s := senderNamed("standard")
	d := s.sign(t, rawKey, arrival.Add(-300*time.Second), someBody)
	d.ArrivedAt = arrival.Add(999 * time.Millisecond)
	s.wantVerified(t, d)
}

func TestING13_ToleranceIsTheSourcesOwn(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		s.options.Tolerance = time.Hour
		s.wantVerified(t, s.sign(t, rawKey, arrival.Add(-time.Hour), someBody))
		s.options.Tolerance = 30 * time.Second
		if d := s.sign(t, rawKey, arrival.Add(-31*time.Second), someBody); s.stamped {
			s.wantRefused(t, d, http.StatusUnauthorized)
		}
	})
}

func TestSpoiltSignatureIsRefused(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		d := s.sign(t, rawKey, arrival, someBody)
		mac := s.mac(d)
		for name, spoilt := range map[string]string{
			"truncated":       mac[:len(mac)-4],
			"one character":   mac[:1],
			"empty":           "",
			"not an encoding": "!!!",
			"doubled":         mac + mac,
			"white space":     " " + mac,
			"64 KiB":          strings.Repeat("A", 64<<10),
			"zeros":           strings.Repeat("0", len(mac)),
		} {
			t.Run(name, func(t *testing.T) { s.wantRefused(t, s.with(d, spoilt), http.StatusUnauthorized) })
		}
	})
}

// TestOneMACHasOneBase64Spelling: most lengths leave some bits over in the last
// character, so a lax decoder takes several spellings of one signature.
func TestOneMACHasOneBase64Spelling(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	eachSender(t, func(t *testing.T, s sender) {
		if s.shown {
			return
		}
		d := s.sign(t, rawKey, arrival, someBody)
		mac := s.mac(d)
		if !s.base64 {
			s.wantVerified(t, s.with(d, strings.ToUpper(mac))) // hex in capitals is the same bytes
			return
		}
		s.wantRefused(t, s.with(d, mac[:4]+"\n"+mac[4:]), http.StatusUnauthorized)
		bare := strings.TrimRight(mac, "=")
		if bare == mac {
			if !s.asn1 {
				t.Error("a signature of this length has no padding")
			}
			return
		}
		last := strings.IndexByte(alphabet, bare[len(bare)-1])
		s.wantRefused(t, s.with(d, bare[:len(bare)-1]+alphabet[last+1:last+2]+mac[len(bare):]), http.StatusUnauthorized)
		s.wantRefused(t, s.with(d, bare), http.StatusUnauthorized)
	})
}

func TestRightMACUnderUnknownTagIsRefused(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		if s.prefix == "" {
			return // a header that is only a MAC has no tag to be wrong
		}
		d := s.sign(t, rawKey, arrival, someBody)
		for _, tag := range []string{"v0=", "v1=", "v1,", "v1a,", "v2,", "sha1=", ""} {
			if tag == s.prefix {
				continue
			}
			d.Header.Set(s.signature, strings.Replace(d.Header.Get(s.signature), s.prefix, tag, 1))
			s.wantRefused(t, d, http.StatusUnauthorized)
			d = s.sign(t, rawKey, arrival, someBody)
		}
	})
}

func TestRightSignatureIsFoundAnywhereInTheList(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		if s.separator == "" {
			return
		}
		d := s.sign(t, rawKey, arrival, someBody)
		mac, other := s.mac(d), s.mac(s.sign(t, "another key of 24 bytes.", arrival, someBody))
		next := s.separator + s.prefix
		for _, list := range []string{other + next + mac, mac + next + other, "%%%" + next + mac, other + s.separator + "v0=x" + next + mac} {
			s.wantVerified(t, s.with(d, list))
		}
		s.wantRefused(t, s.with(d, other+next+other), http.StatusUnauthorized)
	})
}

// TestOnlySoManySignaturesAreTried: each costs a verification by a public key.
func TestOnlySoManySignaturesAreTried(t *testing.T) {
	s := senderNamed("standard v1a")
	d := s.sign(t, rawKey, arrival, someBody)
	mac, other := s.mac(d), s.mac(s.sign(t, "another key of 24 bytes.", arrival, someBody))
	s.wantVerified(t, s.with(d, strings.Repeat(other+s.separator+s.prefix, 31)+mac))
	s.wantRefused(t, s.with(d, strings.Repeat(other+s.separator+s.prefix, 32)+mac), http.StatusUnauthorized)
}

func TestAbsentOrRepeatedHeaderIsRefused(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		for _, header := range []string{s.signature, s.id, s.timestamp} {
			if header == "" {
				continue
			}
			if header == s.id && s.anyID {
				continue
			}
			status := http.StatusBadRequest
			if header == s.signature {
				status = http.StatusUnauthorized
			}
			d := s.sign(t, rawKey, arrival, someBody)
			value := d.Header.Get(header)
			d.Header.Del(header)
			s.wantRefused(t, d, status)
			d.Header.Set(header, "")
			s.wantRefused(t, d, status)
			d.Header[header] = []string{value, value}
			s.wantRefused(t, d, http.StatusBadRequest)
		}
	})
}

func TestING11_MissingOrUnfitIDIsMalformed(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		if s.id == "" {
			return
		}
		d := s.sign(t, rawKey, arrival, someBody)
		d.Header.Set(s.id, strings.Repeat("x", 256))
		s.wantRefused(t, d, http.StatusBadRequest)
	})
}

func TestTimestampThatIsNoPlainNumberIsMalformed(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		if !s.stamped {
			return
		}
		plain := fmt.Sprint(arrival.Unix())
		if s.unit == time.Millisecond {
			plain = fmt.Sprint(arrival.UnixMilli())
		}
		for _, stamp := range []string{
			"NaN", "-1", "-" + plain, "+" + plain, "1e9", " " + plain, plain + " ", plain + ".0",
			"0x10", "1_700_000_000", "99999999999999999999", "9223372036854775807", "now", "١٢٣",
		} {
			d := s.sign(t, rawKey, arrival, someBody)
			if s.timestamp != "" {
				d.Header.Set(s.timestamp, stamp)
			} else {
				d.Header.Set(s.signature, strings.Replace(d.Header.Get(s.signature), "t="+plain, "t="+stamp, 1))
			}
			s.wantRefused(t, d, http.StatusBadRequest)
		}
	})
}
