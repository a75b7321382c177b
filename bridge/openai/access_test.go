package openai_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/bridge/openai"
)

func TestNewKeysGoWithTheNextRequests(t *testing.T) {
	var shown []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		http.Error(w, `{"error":{"message":"no good: sk-first-key, sk-second-key","type":"invalid_request_error"}}`, http.StatusUnauthorized)
	}))
	defer server.Close()
	settings := func(key, other string) []openai.ModelSettings {
		return []openai.ModelSettings{{Name: "main", BaseURL: server.URL, APIKey: key}, {Name: "other", BaseURL: server.URL, APIKey: other}}
	}
	models := openai.NewModels(settings("sk-first-key", "sk-other-key"), openai.ModelsOptions{Attempts: 1})
	ask := func(name, want string) {
		t.Helper()
		shown = nil
		_, err := models.Complete(t.Context(), openai.Request{Model: name, Messages: []openai.Message{{Role: openai.User, Content: "?"}}})
		if err == nil || len(shown) != 1 || shown[0] != want {
			t.Errorf("%s was asked with %q (%v), want %s", name, shown, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sk-first") {
			t.Errorf("the key before is shown: %v", err)
		}
	}
	ask("main", "sk-first-key")
	ask("borrowing", "sk-first-key") // at the default model's endpoint
	models.SetKeys(settings("sk-second-key", "sk-other-key"))
	ask("main", "sk-second-key")
	ask("borrowing", "sk-second-key")
	ask("borrowing-later", "sk-second-key")
	ask("other", "sk-other-key")
}
