package column_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	pzstd "github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/yagura-sec/yagura/lake/column"
	"github.com/yagura-sec/yagura/lake/laketest"
)

// record is a row as it comes to the lake: a dozen words that come again and again, an id, a
// key, numbers, and the record.
type record struct {
	Row     int64    `parquet:"row,delta"`
	Time    int64    `parquet:"time,delta"`
	Key     [16]byte `parquet:"key"`
	ID      string   `parquet:"id"`
	Account string   `parquet:"account,dict"`
	Region  string   `parquet:"region,dict"`
	Service string   `parquet:"service,dict"`
	Action  string   `parquet:"action,dict"`
	ActorID string   `parquet:"actor_id,dict"`
	Name    string   `parquet:"actor_name,dict"`
	IP      string   `parquet:"src_ip,dict"`
	Agent   string   `parquet:"user_agent,dict"`
	Outcome string   `parquet:"outcome,dict"`
	Error   string   `parquet:"error,dict"`
	Target  string   `parquet:"target_id,dict"`
	Raw     string   `parquet:"raw"`
}

func records(n int) []record {
	c := laketest.Corpus{Events: n, Days: 1}
	out := make([]record, n)
	for i := range out {
		w := i * 2654435761 >> 7
		out[i] = record{Row: int64(i), Time: c.Time(i).UnixMicro(), Key: [16]byte{byte(i), byte(i >> 8), byte(i >> 16)}, ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", w, i),
			Account: fmt.Sprint(111122220000 + w%8), Region: fmt.Sprint("eu-west-", w%5), Service: fmt.Sprint("service-", w%14, ".amazonaws.com"), Action: fmt.Sprint("Describe", w%14),
			ActorID: fmt.Sprint("arn:aws:sts::111122223333:assumed-role/team/user-", w%200), Name: fmt.Sprint("user-", w%200), IP: fmt.Sprintf("198.51.%d.%d", w%12, w%250),
			Agent: fmt.Sprint("aws-cli/2.15 build/", w%999), Outcome: "success", Target: fmt.Sprint("target-", w%1000), Raw: string(c.Append(nil, i))}
	}
	return out
}

// BenchmarkWrite writes rows, from where they come one after the other to the bytes of a file.
// The floor is parquet-go's writer of rows with the same columns, filters and compression.
func BenchmarkWrite(b *testing.B) {
	rows := records(20_000)
	b.Run("columns", func(b *testing.B) {
		specs := []column.Spec{{Name: "row", Kind: column.Int64}, {Name: "time", Kind: column.Time}, {Name: "key", Kind: column.UUID, Bloom: true}, {Name: "id", Plain: true, Bloom: true},
			{Name: "account"}, {Name: "region"}, {Name: "service"}, {Name: "action"}, {Name: "actor_id", Bloom: true}, {Name: "actor_name"}, {Name: "src_ip", Bloom: true},
			{Name: "user_agent"}, {Name: "outcome"}, {Name: "error"}, {Name: "target_id"}, {Name: "raw", Plain: true}}
		var cols []*column.Buffer
		for _, s := range specs {
			cols = append(cols, column.New(s))
		}
		enc, err := column.NewEncoder(zstd.SpeedFastest)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			for _, c := range cols {
				c.Reset()
			}
			for i := range rows {
				r := &rows[i]
				cols[0].Ints, cols[1].Ints, cols[2].Keys = append(cols[0].Ints, r.Row), append(cols[1].Ints, r.Time), append(cols[2].Keys, r.Key)
				for k, s := range [...]string{r.ID, r.Account, r.Region, r.Service, r.Action, r.ActorID, r.Name, r.IP, r.Agent, r.Outcome, r.Error, r.Target, r.Raw} {
					cols[3+k].Text.Append(s)
				}
			}
			w := column.NewWriter(io.Discard, column.Options{Encoder: enc}, cols...)
			if err := w.Rows(0, len(rows)); err != nil {
				b.Fatal(err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("parquet-go", func(b *testing.B) {
		codec := &pzstd.Codec{Level: pzstd.SpeedFastest}
		w := parquet.NewGenericWriter[record](io.Discard, parquet.Compression(codec), parquet.BloomFilters(parquet.SplitBlockFilter(12, "key"), parquet.SplitBlockFilter(12, "id"),
			parquet.SplitBlockFilter(12, "actor_id"), parquet.SplitBlockFilter(12, "src_ip")))
		for b.Loop() {
			w.Reset(io.Discard)
			for at := 0; at < len(rows); at += 500 {
				if _, err := w.Write(rows[at : at+500]); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
