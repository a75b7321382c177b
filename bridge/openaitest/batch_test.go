package openaitest_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"drawbridge/bridge/openaitest"
)

// post sends a body, and gives the status and what came.
func post(t *testing.T, url, contentType, body string) (int, string) {
	t.Helper()
	res, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(said)
}

func uploadFile(t *testing.T, fake *openaitest.Server, purpose, name, content string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	_ = form.WriteField("purpose", purpose)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	_ = form.Close()
	return post(t, fake.URL()+"/files", form.FormDataContentType(), out.String())
}

const (
	goodBody = `{"model":"m","messages":[{"role":"user","content":"x"}]}`
	goodLine = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":` + goodBody + `}`
)

// A batch that breaks a rule is not taken, and the rule is named: otherwise a client's
// mistake would show as a day lost.
func TestBatchIsCheckedLineByLine(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"not json":       {`{"custom_id"`, "expected an object"},
		"no id":          {strings.Replace(goodLine, `"custom_id":"a",`, "", 1), "Missing required parameter: 'custom_id'"},
		"same id":        {goodLine + "\n" + goodLine, "is a duplicate"},
		"method":         {strings.Replace(goodLine, "POST", "GET", 1), `Invalid value: "GET"`},
		"url":            {strings.Replace(goodLine, "chat/completions", "embeddings", 1), `Invalid value: "/v1/embeddings"`},
		"unknown":        {strings.Replace(goodLine, `"method"`, `"stream":true,"method"`, 1), "Unknown parameter: 'stream'"},
		"body's rules":   {strings.Replace(goodLine, `"role":"user"`, `"role":"boss"`, 1), "boss"},
		"streamed":       {strings.Replace(goodLine, `"model":"m"`, `"model":"m","stream":true`, 1), "cannot be streamed"},
		"several models": {goodLine + "\n" + strings.NewReplacer(`"a"`, `"b"`, `"m"`, `"n"`).Replace(goodLine), "not that of the other lines"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := openaitest.New(t)
			fake.Tolerate()
			if status, said := uploadFile(t, fake, "batch", "x.jsonl", c.lines); status != 200 {
				t.Fatal(status, said)
			}
			_, said := post(t, fake.URL()+"/batches", "application/json", `{"input_file_id":"file-0-1","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
			if !strings.Contains(said, `"status":"failed"`) {
				t.Errorf("the batch was taken: %s", said)
			}
			var found []string
			for _, v := range fake.Violations() {
				found = append(found, v.String())
			}
			if !strings.Contains(strings.Join(found, "\n"), c.want) {
				t.Errorf("violations %q, want %q", found, c.want)
			}
		})
	}
}

func TestBatchRequestsAreChecked(t *testing.T) {
	fake := openaitest.New(t)
	fake.Tolerate()
	if status, said := uploadFile(t, fake, "fine-tune", "x.jsonl", goodLine); status != 400 {
		t.Error("purpose:", status, said)
	}
	if status, said := uploadFile(t, fake, "batch", "x.txt", goodLine); status != 400 {
		t.Error("name:", status, said)
	}
	if status, said := uploadFile(t, fake, "batch", "x.jsonl", goodLine); status != 200 {
		t.Error("upload:", status, said)
	}
	for name, body := range map[string]string{
		"window":   `{"input_file_id":"file-0-1","endpoint":"/v1/chat/completions","completion_window":"1h"}`,
		"endpoint": `{"input_file_id":"file-0-1","endpoint":"/v1/embeddings","completion_window":"24h"}`,
		"file":     `{"input_file_id":"file-9","endpoint":"/v1/chat/completions","completion_window":"24h"}`,
		"unknown":  `{"input_file_id":"file-0-1","endpoint":"/v1/chat/completions","completion_window":"24h","priority":1}`,
		"metadata": fmt.Sprintf(`{"input_file_id":"file-0-1","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":%q}}`, strings.Repeat("x", 513)),
	} {
		before := len(fake.Violations())
		if status, said := post(t, fake.URL()+"/batches", "application/json", body); status != 400 || len(fake.Violations()) != before+1 {
			t.Errorf("%s: %d %s", name, status, said)
		}
	}
	if n := len(fake.Batches()); n != 0 {
		t.Errorf("%d batches were made", n)
	}
}
