package openai

import wire "github.com/sashabaranov/go-openai"

// access is where an endpoint is, and what opens it. It is replaced as a whole.
type access struct {
	config wire.ClientConfig
	// keys are the key, and the one before it: a request under way may still be answered
	// with words about that.
	keys []string
}

func accessTo(baseURL string, keys ...string) *access {
	a := &access{config: wire.DefaultConfig(keys[0])}
	if baseURL != "" {
		a.config.BaseURL = baseURL
	}
	for _, key := range keys {
		if key != "" {
			a.keys = append(a.keys, key)
		}
	}
	return a
}

// SetKey has the requests that begin from now on carry another key.
func (c *Client) SetKey(key string) {
	old := c.access.Load()
	c.access.Store(accessTo(old.config.BaseURL, append([]string{key}, old.keys[:min(1, len(old.keys))]...)...))
}

// SetKeys takes the keys of settings for the models of their names, and nothing else of
// them. The first are those of the default model, as in [NewModels]: whatever model is
// asked at its endpoint without settings of its own has its key.
func (m *Models) SetKeys(settings []ModelSettings) {
	m.mu.Lock()
	defer m.mu.Unlock()
	configured := map[string]ModelSettings{}
	for i, s := range settings {
		configured[s.Name] = s
		if i == 0 && s.Name == m.fallback.Name {
			m.fallback.APIKey = s.APIKey
		}
	}
	for name, model := range m.byName {
		s, ok := configured[name]
		if !ok && !model.borrowed {
			continue // the rehearsal's
		}
		if !ok {
			s = m.fallback
		}
		model.client.SetKey(s.APIKey)
	}
}
