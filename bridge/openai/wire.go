package openai

import "net/http"

// maxAnswer bounds the body of an answer, in bytes: go-openai reads whatever it
// is sent.
const maxAnswer = 32 << 20

// doer stands between go-openai and the network for the one thing go-openai cannot
// be told: to stop reading.
type doer struct{ client *http.Client }

func (d doer) Do(r *http.Request) (*http.Response, error) {
	response, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	return response, nil
}

// newHTTPClient keeps as many connections to the one endpoint as there are runs:
// net/http would keep two and open a new one for nearly every turn.
func newHTTPClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1024
	return &http.Client{Transport: transport}
}
