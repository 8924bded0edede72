// Package bound ends what is longer than it may be with an error.
//
// It is for bodies that are read as they come: answers of servers that could send without end.
// It is not a limit that cuts: [io.LimitReader] ends as if the rest were not there, and a part
// is taken for the whole. Nor is it for requests that we answer: [net/http.MaxBytesReader]
// closes those connections too.
//
//	resp.Body = bound.Body(resp.Body, 1<<20)
//	_, err := io.Copy(w, resp.Body) // the answer has more than 1048576 bytes
package bound
