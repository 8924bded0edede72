package app

import (
	"context"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/notify"
)

// tracer sends traces over OTLP/HTTP: what was received, committed and delivered, how long
// it took and what came of it. A nil tracer traces nothing and costs nothing. Spans that
// cannot be sent are dropped; nothing ever waits for them.
type tracer struct {
	provider *sdk.TracerProvider
	t        trace.Tracer
}

// The bounds of what waits to be sent.
const (
	traceQueue   = 4096
	traceTimeout = 10 * time.Second
	traceStop    = 3 * time.Second
)

func newTracer(ctx context.Context, c config.Tracing, version, replica string, log *slog.Logger) (*tracer, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, &config.Fault{Where: "tracing.endpoint", Reason: "it is no address", Hint: "http://127.0.0.1:4318"}
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithTimeout(traceTimeout), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	if err != nil {
		return nil, &config.Fault{Where: "tracing.endpoint", Reason: err.Error()}
	}
	about := resource.NewSchemaless(attribute.String("service.name", "yagura"), attribute.String("service.version", version), attribute.String("service.instance.id", replica))
	p := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithBatcher(&quietExporter{SpanExporter: exporter, log: log}, sdk.WithMaxQueueSize(traceQueue)))
	return &tracer{provider: p, t: p.Tracer("github.com/yagura-sec/yagura")}, nil
}

// quietExporter says itself, once until it works again, that spans cannot be sent.
type quietExporter struct {
	sdk.SpanExporter
	log    *slog.Logger
	failed atomic.Bool
}

// ExportSpans sends spans. It never fails, so that nobody else speaks of it.
func (q *quietExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err == nil && q.failed.Swap(false):
		q.log.Info("traces are sent again")
	case err != nil && !q.failed.Swap(true):
		q.log.Warn("traces cannot be sent: they are dropped", "spans", len(spans), "error", err)
	}
	return nil
}

// close sends what waits, within a few seconds.
func (t *tracer) close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), traceStop)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what could not be sent is dropped
}

// span is one of the intake's.
type span struct{ s trace.Span }

// End ends it.
func (x span) End(e intake.End) {
	if e.Attempts > 0 {
		x.s.SetAttributes(attribute.Int("yagura.records", e.Records), attribute.Int("yagura.findings", e.Findings),
			attribute.Int("yagura.notices", e.Notices), attribute.Int("yagura.attempts", e.Attempts))
	}
	fault(x.s, e.Err)
	x.s.End()
}

func fault(s trace.Span, err error) {
	if err != nil {
		s.SetStatus(codes.Error, notify.Mask(err.Error()))
	}
}

// maxTraceLinks bounds the messages that one commit names.
const maxTraceLinks = 128

// intake is the seam of the intake, nil without a tracer.
func (t *tracer) intake() func(intake.Begin) intake.Span {
	if t == nil {
		return nil
	}
	return func(b intake.Begin) intake.Span {
		o := []trace.SpanStartOption{trace.WithNewRoot()}
		ctx := context.Background()
		switch b.Name {
		case "receive":
			o = append(o, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("yagura.source", b.Source),
				attribute.String("messaging.message.id", b.Message), attribute.Int("yagura.objects", b.Objects), attribute.Int("yagura.attempts", b.Attempts)))
		default:
			// The commit of one message is a part of its trace; one of several is linked to them.
			if len(b.From) == 1 {
				if from, ok := b.From[0].(span); ok {
					ctx, o = trace.ContextWithSpan(ctx, from.s), nil
				}
				break
			}
			var links []trace.Link
			for _, x := range b.From[:min(len(b.From), maxTraceLinks)] {
				if from, ok := x.(span); ok {
					links = append(links, trace.Link{SpanContext: from.s.SpanContext()})
				}
			}
			o = append(o, trace.WithLinks(links...))
		}
		_, s := t.t.Start(ctx, b.Name, o...)
		return span{s}
	}
}

// deliver is the seam of the senders, nil without a tracer.
func (t *tracer) deliver() func(ctx context.Context, kind string, n *yagura.Notice) (context.Context, func(yagura.Receipt, error)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, kind string, n *yagura.Notice) (context.Context, func(yagura.Receipt, error)) {
		ctx, s := t.t.Start(ctx, "deliver", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			attribute.String("yagura.sink", n.Sink), attribute.String("yagura.kind", kind), attribute.String("yagura.op", string(n.Op)),
			attribute.String("yagura.issue", n.IssueID), attribute.String("yagura.notice", n.ID), attribute.Int("yagura.attempts", n.Attempts+1)))
		return ctx, func(r yagura.Receipt, err error) {
			if r.Detail != "" {
				s.SetAttributes(attribute.String("yagura.detail", r.Detail))
			}
			fault(s, err)
			s.End()
		}
	}
}
