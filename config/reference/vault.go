package reference

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// maxVaultAnswer bounds what Vault answers, in bytes: one secret with all its keys.
const maxVaultAnswer = 1 << 20

// vault is one server, as the variables of Vault's own tools name it: VAULT_ADDR,
// VAULT_TOKEN (or VAULT_TOKEN_FILE, or ~/.vault-token), VAULT_NAMESPACE, VAULT_CACERT,
// VAULT_TLS_SERVER_NAME.
type vault struct {
	address *url.URL
	token   string
	space   string
	client  *http.Client
	warning string
	known   map[string]map[string]json.RawMessage // secrets by their path
}

// askVault reads one key of a secret. The path is that of the API, behind /v1/: for the
// second version of KV it has data/ in it ("secret/data/billing"), as in a policy of
// Vault's; for the first it has not. So one request says all, and the token needs no more
// than to read that path.
func (r *Reader) askVault(argument string) (value, warning string, err error) {
	path, key, ok := strings.Cut(argument, "#")
	path = strings.Trim(path, "/")
	if !ok || path == "" || key == "" || strings.ContainsAny(path, " ?%") {
		return "", "", errors.New("want a path and a key, such as ${vault:secret/data/billing#stripe_key}")
	}
	if r.vault == nil {
		if r.vault, err = r.openVault(); err != nil {
			return "", "", err
		}
	}
	v := r.vault
	secret, known := v.known[path]
	if !known {
		ctx, cancel := context.WithTimeout(r.ctx, r.o.Timeout)
		defer cancel()
		if secret, err = v.read(ctx, path); err != nil {
			return "", "", err
		}
		v.known[path] = secret
	}
	value, err = valueOf(secret, key)
	return value, v.warning, err
}

func (r *Reader) openVault() (*vault, error) {
	get := func(name string) string { value, _ := r.o.Lookup(name); return value }
	address, err := url.Parse(get("VAULT_ADDR"))
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" || address.User != nil {
		return nil, errors.New("set VAULT_ADDR to the address of Vault, such as https://vault.example.com:8200")
	}
	v := &vault{address: address, space: get("VAULT_NAMESPACE"), client: r.o.Client, known: map[string]map[string]json.RawMessage{}}
	if address.Scheme == "http" && !isLocal(address.Hostname()) {
		v.warning = "VAULT_ADDR is http, so the token and the secrets go over the network unencrypted; want https"
	}
	if v.token, err = vaultToken(get); err != nil {
		return nil, err
	}
	if v.client == nil {
		if v.client, err = vaultClient(get("VAULT_CACERT"), get("VAULT_TLS_SERVER_NAME")); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// vaultToken finds the token where Vault's tools put it.
func vaultToken(get func(string) string) (string, error) {
	if token := strings.TrimSpace(get("VAULT_TOKEN")); token != "" {
		return token, headerSafe(token)
	}
	path := get("VAULT_TOKEN_FILE")
	if home := get("HOME"); path == "" && home != "" {
		path = filepath.Join(home, ".vault-token")
	}
	text, _, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("there is no token for Vault: set VAULT_TOKEN, or VAULT_TOKEN_FILE to a file that holds it (reading %q: %w)", path, err)
	}
	text = strings.TrimSpace(text)
	return text, headerSafe(text)
}

func headerSafe(token string) error {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the token for Vault is empty, or holds characters that no token has")
	}
	return nil
}

func vaultClient(authorities, serverName string) (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if authorities != "" {
		text, readErr := os.ReadFile(authorities)
		if readErr != nil {
			return nil, fmt.Errorf("reading VAULT_CACERT: %w", readErr)
		}
		roots, err = x509.NewCertPool(), nil
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("VAULT_CACERT: %q holds no certificate in PEM", authorities)
		}
	}
	if err != nil {
		roots = nil // the system's own way
	}
	// No proxy: the token would go through it. No connection outlives the reading.
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS12}}}, nil
}

// read asks for one secret: GET /v1/PATH, as Vault's documents of the HTTP API and of the
// KV engine, versions 1 and 2, have it.
func (v *vault) read(ctx context.Context, path string) (map[string]json.RawMessage, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address.JoinPath("v1", path).String(), nil)
	if err != nil {
		return nil, errors.New("want a path, such as secret/data/billing")
	}
	request.Header.Set("X-Vault-Token", v.token)
	request.Header.Set("X-Vault-Request", "true") // which agents may ask for
	if v.space != "" {
		request.Header.Set("X-Vault-Namespace", v.space)
	}
	client := *v.client
	client.CheckRedirect = v.follow
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking Vault: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxVaultAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer of Vault: %w", err)
	case len(body) > maxVaultAnswer:
		return nil, errors.New("the answer of Vault is larger than 1 MiB")
	}
	var answer vaultAnswer
	decodeErr := json.Unmarshal(body, &answer)
	if response.StatusCode != http.StatusOK {
		return nil, answer.refusal(response.StatusCode, path)
	}
	if decodeErr != nil { // not its text: it may quote the value
		return nil, errors.New("what answers at VAULT_ADDR does not speak Vault's API")
	}
	return answer.secret()
}

// follow goes where a standby node sends, once, and never from https to http: the token
// goes along.
func (v *vault) follow(next *http.Request, via []*http.Request) error {
	if len(via) > 1 || v.address.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("it sends on to elsewhere; set VAULT_ADDR to the active node")
	}
	return nil
}

// vaultAnswer is what Vault answers to a read.
type vaultAnswer struct {
	LeaseID  string                     `json:"lease_id"`
	Data     map[string]json.RawMessage `json:"data"`
	Errors   []string                   `json:"errors"`
	Warnings []string                   `json:"warnings"`
}

func (a vaultAnswer) refusal(status int, path string) error {
	advice := ""
	switch status {
	case http.StatusForbidden:
		advice = "; the token needs a policy with path \"" + path + "\" { capabilities = [\"read\"] }, or it has expired"
	case http.StatusNotFound:
		advice = "; nothing is there, or no longer"
		if engine, rest, ok := strings.Cut(path, "/"); ok && !strings.HasPrefix(rest, "data/") {
			advice += "; if the engine is KV version 2, want " + engine + "/data/" + rest
		}
	case http.StatusServiceUnavailable:
		advice = "; it is sealed, or under maintenance"
	}
	if said := shown(strings.Join(append(a.Errors, a.Warnings...), "; ")); said != "" {
		advice += "; it says: " + said
	}
	return fmt.Errorf("the answer of Vault is %d%s", status, advice)
}

// secret finds the keys. The second version of KV has them below data.data, beside the
// metadata of the version.
func (a vaultAnswer) secret() (map[string]json.RawMessage, error) {
	if a.LeaseID != "" {
		return nil, errors.New("the secret is leased and would expire, which nobody here renews; want one of a KV engine")
	}
	inner, hasData := a.Data["data"]
	var metadata struct {
		Version *int `json:"version"`
	}
	if !hasData || json.Unmarshal(a.Data["metadata"], &metadata) != nil || metadata.Version == nil {
		return a.Data, nil
	}
	var secret map[string]json.RawMessage
	if err := json.Unmarshal(inner, &secret); err != nil {
		return nil, errors.New("the answer of Vault is no secret of a KV engine")
	}
	return secret, nil
}

// valueOf is a key's value as text.
func valueOf(secret map[string]json.RawMessage, key string) (string, error) {
	raw, ok := secret[key]
	if !ok {
		return "", fmt.Errorf("the secret has no key %q", key)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err == nil && !bytes.Equal(raw, []byte("null")) {
		return text, nil
	}
	if c := raw[0]; c == '{' || c == '[' || c == 'n' {
		return "", fmt.Errorf("key %q holds no text", key)
	}
	return string(raw), nil // a number, or a truth value
}
