package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// benchModelVariable, when set, makes the test binary be the benchmarks' model: a
// process of its own, so that what it costs is not counted as ours.
const benchModelVariable = "DRAWBRIDGE_TEST_IS_MODEL"

// benchModel is a model that does as the question says: "bench:ID:DELAY:TURNS" has it
// take DELAY for each answer and call a tool until the last of TURNS. It notes the
// gaps: the time from the last byte of an answer until the next question of the same
// run has arrived whole, which is what a turn costs besides the model.
type benchModel struct {
	mu   sync.Mutex
	runs map[string]*benchRun
	gaps []time.Duration

	script benchScripted
}

type benchRun struct {
	turn     int
	answered time.Time
}

var benchQuestion = regexp.MustCompile(`bench:(\w+):(\w+):(\d+)`)

// question writes what benchModel understands.
func question(id string, delay time.Duration, turns int) string {
	return fmt.Sprintf("bench:%s:%s:%d", id, delay, turns)
}

// bodies are read over and over.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (m *benchModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, scriptPath) {
		m.script.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodGet {
		m.tellGaps(w)
		return
	}
	body := bodies.Get().(*bytes.Buffer)
	body.Reset()
	_, err := body.ReadFrom(r.Body)
	asked := benchQuestion.FindSubmatch(body.Bytes())
	if err != nil || asked == nil {
		http.Error(w, "no question of the benchmark", http.StatusBadRequest)
		return
	}
	id := string(asked[1])
	delay, _ := time.ParseDuration(string(asked[2]))
	turns, _ := strconv.Atoi(string(asked[3]))
	bodies.Put(body)
	turn := m.arrived(id)
	time.Sleep(delay)
	speak(w, turn, turn < turns)
	m.spoken(id, turn < turns)
}

// arrived notes that a question of the run has, and gives its number.
func (m *benchModel) arrived(id string) (turn int) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	run := m.runs[id]
	if run == nil {
		run = &benchRun{}
		m.runs[id] = run
	} else {
		m.gaps = append(m.gaps, now.Sub(run.answered))
	}
	run.turn++
	return run.turn
}

func (m *benchModel) spoken(id string, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if run := m.runs[id]; run != nil && more {
		run.answered = time.Now()
	} else {
		delete(m.runs, id)
	}
}

// speak streams a call of a cheap tool, never the same twice in a run, or words that begin with the time they were
// sent at.
func speak(w http.ResponseWriter, turn int, call bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	const head = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":`
	delta, finish := fmt.Sprintf(`{"role":"assistant","content":"at %d "}`, time.Now().UnixNano()), "stop"
	if call {
		delta = fmt.Sprintf(`{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_%d","type":"function","function":{"name":"crm_search_products","arguments":"{\"q\":\"mug %d\"}"}}]}`, turn, turn)
		finish = "tool_calls"
	}
	_, _ = fmt.Fprintf(w, "%s%s,\"finish_reason\":null}]}\n\n", head, delta)
	w.(http.Flusher).Flush()
	_, _ = fmt.Fprintf(w, "%s{},\"finish_reason\":%q}]}\n\n", head, finish)
	_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}`+"\n\ndata: [DONE]\n\n")
	w.(http.Flusher).Flush()
}

func (m *benchModel) tellGaps(w http.ResponseWriter) {
	m.mu.Lock()
	gaps := m.gaps
	m.gaps = nil
	m.mu.Unlock()
	_ = json.NewEncoder(w).Encode(gaps)
}

// beBenchModel serves the model, says where, and ends with its standard input.
func beBenchModel() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go func() { _ = http.Serve(listener, &benchModel{runs: map[string]*benchRun{}}) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// startBenchModel starts that process, and gives the URL of its API.
func startBenchModel(b *testing.B) (url string, pid int) {
	b.Helper()
	_, stdout, pid := startSelf(b, benchModelVariable+"=1")
	var address string
	if _, err := fmt.Fscanln(stdout, &address); err != nil {
		b.Fatal(err)
	}
	return "http://" + address + "/v1", pid
}

// startSelf starts the test binary as what a variable of TestMain makes of it. It ends with
// its standard input, when the benchmark does.
func startSelf(b *testing.B, variable string) (stdin io.Writer, stdout io.Reader, pid int) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return in, out, cmd.Process.Pid
}

// takeGaps fetches the gaps that the model noted, and has it forget them.
func takeGaps(b *testing.B, url string) []time.Duration {
	b.Helper()
	response, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var gaps []time.Duration
	if err := json.NewDecoder(response.Body).Decode(&gaps); err != nil {
		b.Fatal(err)
	}
	return gaps
}

// ofProcess reads a field of a process's status, in KiB, such as VmRSS.
func ofProcess(b *testing.B, pid int, field string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	var kib float64
	_, rest, _ := strings.Cut(string(status), field+":")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib
}

// cpuOf is the processor time that a process has used.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	// The fields behind the name, which is in parentheses (proc_pid_stat(5)): utime is
	// the 12th of them, stime the 13th, in ticks of 1/100 s.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
