package reference

import (
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeVault answers reads as the documents of Vault's HTTP API have it: the KV engine in
// version 2 at secret/, in version 1 at kv1/, and database credentials, which are leased.
type fakeVault struct {
	*httptest.Server
	asked []string
}

var vaultAnswers = map[string]struct {
	status int
	body   string
}{
	"/v1/secret/data/app": {200, `{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":{"key":"hush-v2","n":12,"t":true,"o":{"hush":1},"none":null,"empty":""},
		"metadata":{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":2}},"wrap_info":null,"warnings":null,"auth":null}`},
	"/v1/secret/data/gone": {404, `{"request_id":"2","lease_id":"","data":{"data":null,"metadata":{"created_time":"2026-01-01T00:00:00Z","deletion_time":"2026-01-02T00:00:00Z","destroyed":false,"version":1}}}`},
	"/v1/secret/app":       {404, `{"errors":[],"warnings":["Invalid path for a versioned K/V secrets engine."]}`},
	"/v1/kv1/app":          {200, `{"request_id":"3","lease_id":"","lease_duration":2764800,"data":{"key":"hush-v1","data":"hush-data","metadata":"x"}}`},
	"/v1/database/creds/x": {200, `{"lease_id":"database/creds/x/abc","lease_duration":3600,"renewable":true,"data":{"username":"u","password":"hush"}}`},
	"/v1/secret/data/shut": {503, `{"errors":["Vault is sealed"]}`},
	"/v1/secret/data/text": {200, `<html>hush`},
	"/v1/secret/data/huge": {200, `{"data":{"key":"` + strings.Repeat("hush", maxVaultAnswer/4) + `"}}`},
}

func newFakeVault(t *testing.T) *fakeVault {
	v := &fakeVault{}
	v.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked = append(v.asked, r.Method+" "+r.URL.Path)
		answer, known := vaultAnswers[r.URL.Path]
		switch {
		case r.Header.Get("X-Vault-Request") != "true" || r.Header.Get("X-Vault-Namespace") != "team/a":
			answer.status, answer.body = 400, `{"errors":["missing header"]}`
		case r.Header.Get("X-Vault-Token") != "hvs.token":
			answer.status, answer.body = 403, `{"errors":["permission denied"]}`
		case r.URL.Path == "/v1/secret/data/standby":
			http.Redirect(w, r, "/v1/secret/data/app", http.StatusTemporaryRedirect)
			return
		case r.URL.Path == "/v1/secret/data/downgraded":
			http.Redirect(w, r, "http://127.0.0.1:1/v1/secret/data/app", http.StatusTemporaryRedirect)
			return
		case !known:
			answer.status, answer.body = 404, `{"errors":[]}`
		}
		w.WriteHeader(answer.status)
		_, _ = w.Write([]byte(answer.body))
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *fakeVault) env(t *testing.T) map[string]string {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"VAULT_ADDR": v.URL, "VAULT_TOKEN": "hvs.token", "VAULT_NAMESPACE": "team/a", "VAULT_CACERT": ca}
}

func TestVaultGivesTheKeysOfBothVersions(t *testing.T) {
	v := newFakeVault(t)
	r := reader(t, v.env(t))
	for argument, want := range map[string]string{
		"secret/data/app#key": "hush-v2", "/secret/data/app#n": "12", "secret/data/app#t": "true",
		"kv1/app#key": "hush-v1", "kv1/app#data": "hush-data", "secret/data/standby#key": "hush-v2",
	} {
		if got, warning, err := r.Read("vault", argument); got != want || warning != "" || err != nil {
			t.Errorf("%s: got %q, %q, %v", argument, got, warning, err)
		}
	}
	count := map[string]int{}
	for _, asked := range v.asked {
		count[asked]++
	}
	// The redirect leads to app once more.
	if want := map[string]int{"GET /v1/secret/data/app": 2, "GET /v1/kv1/app": 1, "GET /v1/secret/data/standby": 1}; !maps.Equal(count, want) {
		t.Errorf("asked %v, want %v", count, want)
	}
}

func TestVaultsRefusalsSayWhatToDo(t *testing.T) {
	v := newFakeVault(t)
	for argument, want := range map[string]string{
		"secret/data/app":            "want a path and a key",
		"secret/data/app#":           "want a path and a key",
		"#key":                       "want a path and a key",
		"secret/data/app?version=1#": "want a path and a key",
		"secret/data/app#other":      `the secret has no key "other"`,
		"secret/data/app#o":          `key "o" holds no text`,
		"secret/data/app#none":       `key "none" holds no text`,
		"secret/data/app#empty":      "it is empty",
		"secret/data/gone#key":       "the answer of Vault is 404; nothing is there, or no longer",
		"secret/app#key":             "if the engine is KV version 2, want secret/data/app; it says: Invalid path",
		"secret/data/shut#key":       "the answer of Vault is 503; it is sealed, or under maintenance; it says: Vault is sealed",
		"secret/data/text#key":       "does not speak Vault's API",
		"secret/data/huge#key":       "larger than 1 MiB",
		"secret/data/downgraded#key": "it sends on to elsewhere",
		"database/creds/x#password":  "the secret is leased and would expire",
	} {
		_, _, err := reader(t, v.env(t)).Read("vault", argument)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "hvs.") {
			t.Errorf("%s: got %v, want %q", argument, err, want)
		}
	}
}

func TestVaultIsFoundByTheEnvironment(t *testing.T) {
	v := newFakeVault(t)
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".vault-token"), []byte("hvs.token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change map[string]string
		want   string // of the error; "" if it works
	}{
		"as it is":         {},
		"token of home":    {map[string]string{"VAULT_TOKEN": "", "HOME": home}, ""},
		"token of a file":  {map[string]string{"VAULT_TOKEN": "", "VAULT_TOKEN_FILE": filepath.Join(home, ".vault-token")}, ""},
		"no token":         {map[string]string{"VAULT_TOKEN": ""}, "there is no token for Vault: set VAULT_TOKEN"},
		"token's file":     {map[string]string{"VAULT_TOKEN": "", "VAULT_TOKEN_FILE": filepath.Join(home, "none")}, "no such file"},
		"bad token":        {map[string]string{"VAULT_TOKEN": "hvs.a\nb"}, "characters that no token has"},
		"unknown token":    {map[string]string{"VAULT_TOKEN": "hvs.other"}, `capabilities = ["read"] }, or it has expired; it says: permission denied`},
		"no address":       {map[string]string{"VAULT_ADDR": ""}, "set VAULT_ADDR"},
		"no such protocol": {map[string]string{"VAULT_ADDR": "ftp://x"}, "set VAULT_ADDR"},
		"unknown CA":       {map[string]string{"VAULT_CACERT": ""}, "certificate"},
		"no CA":            {map[string]string{"VAULT_CACERT": filepath.Join(home, "none")}, "reading VAULT_CACERT"},
		"no PEM":           {map[string]string{"VAULT_CACERT": filepath.Join(home, ".vault-token")}, "holds no certificate"},
		"another's name":   {map[string]string{"VAULT_TLS_SERVER_NAME": "other.test"}, "certificate"},
	} {
		env := v.env(t)
		maps.Copy(env, c.change)
		got, _, err := reader(t, env).Read("vault", "secret/data/app#key")
		if c.want == "" && (err != nil || got != "hush-v2") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hvs.")) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestVaultOverAnUnencryptedNetworkIsWarnedOf(t *testing.T) {
	for address, warned := range map[string]bool{"http://127.0.0.1:8200": false, "http://localhost:8200": false, "http://vault:8200": true, "https://vault:8200": false} {
		r := reader(t, map[string]string{"VAULT_ADDR": address, "VAULT_TOKEN": "t"})
		v, err := r.openVault()
		if err != nil || (v.warning != "") != warned {
			t.Errorf("%s: %q, %v", address, v.warning, err)
		}
	}
}
