package slack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// apiError is what Slack answered with ok: false.
type apiError struct {
	Method, Channel, Code, More string
}

// Error names the method, the code and what to do about it.
func (e *apiError) Error() string {
	s := "slack: " + e.Method + ": " + e.Code
	if e.More != "" {
		s += ": " + e.More
	}
	if h := hints[e.Code]; h != "" {
		if strings.Contains(h, "%s") {
			h = fmt.Sprintf(h, e.Channel)
		}
		s += " (hint: " + h + ")"
	}
	return s
}

// hints say what to do about a refusal that waiting does not change. Every code that
// stands here is permanent.
var hints = map[string]string{ //nolint:gosec // words of errors
	"channel_not_found":                        "channel %s does not exist, or is private and the app was not invited",
	"not_in_channel":                           "/invite the app to channel %s",
	"channel_is_frozen":                        "channel %s takes no messages at the moment",
	"is_archived":                              "channel %s is archived; give the account or severity another one",
	"invalid_auth":                             "the bot token is not valid; install the app again and copy the token",
	"not_authed":                               "the bot token is empty",
	"token_revoked":                            "the bot token was revoked; install the app again and copy the token",
	"token_expired":                            "the bot token expired; turn token rotation off for this app",
	"account_inactive":                         "the app or its bot user was removed; install it again",
	"missing_scope":                            "add the scope to the app's manifest and install the app again",
	"not_allowed_token_type":                   "the method wants another kind of token; see docs/sinks-slack.md",
	"no_permission":                            "the app lacks a permission; compare the manifest in docs/sinks-slack.md",
	"access_denied":                            "the workspace denies the app access",
	"ekm_access_denied":                        "the workspace's administrators suspended posting",
	"team_access_not_granted":                  "the app is not granted access to this workspace of the organisation",
	"restricted_action":                        "a preference of the workspace keeps the app from posting in %s",
	"restricted_action_read_only_channel":      "channel %s is read-only for the app",
	"restricted_action_thread_only_channel":    "channel %s takes threads only",
	"restricted_action_thread_locked":          "the thread is locked",
	"restricted_action_non_threadable_channel": "channel %s takes no threads",
	"slack_connect_file_link_sharing_blocked":  "posting is blocked in shared channel %s",
	"method_not_supported_for_channel_type":    "channel %s is of a kind that the app cannot use",
	"msg_too_long":                             "shorten the template",
	"msg_blocks_too_long":                      "shorten the template",
	"no_text":                                  "the template renders nothing",
	"invalid_blocks":                           "the template renders what Block Kit does not take",
	"invalid_blocks_format":                    "the template renders what Block Kit does not take",
	"invalid_arguments":                        "",
	"invalid_arg_name":                         "",
	"invalid_array_arg":                        "",
	"invalid_form_data":                        "",
	"invalid_json":                             "",
	"json_not_object":                          "",
	"metadata_too_large":                       "",
	"invalid_metadata_format":                  "",
	"invalid_metadata_schema":                  "",
	"metadata_must_be_sent_from_app":           "",
	"two_factor_setup_required":                "",
	"enterprise_is_restricted":                 "",
	"deprecated_endpoint":                      "",
	"method_deprecated":                        "",
	"unknown_method":                           "",
	"user_is_restricted":                       "",
	"as_user_not_supported":                    "",
}

// certain are the refusals that say that nothing was done and that a retry may help.
var certain = []string{"message_limit_exceeded", "team_added_to_org", "org_login_required", "accesslimited"}

// refused sorts an answer with ok: false. What nobody knows (internal_error, fatal_error,
// request_timeout, service_unavailable, new codes) may have been done.
func refused(method, channel string, a *answer) error {
	e := &apiError{Method: method, Channel: channel, Code: code(a.Error)}
	var more []string
	if a.Needed != "" {
		more = append(more, "needs "+a.Needed)
	}
	more = append(more, a.Meta.Messages...)
	e.More = notify.Words(notify.English).Cut(notify.Line(notify.Mask(strings.Join(more, "; "))), 400)
	out := &notify.Error{Err: e}
	if _, ok := hints[e.Code]; ok {
		out.Permanent, out.NotSent = true, true
	}
	if slices.Contains(certain, e.Code) {
		out.NotSent, out.After = true, 30*time.Second
	}
	return out
}

// code keeps what Slack says within what codes look like.
func code(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 80)]
}

// codeIs says whether an error is one of Slack's codes.
func codeIs(err error, codes ...string) bool {
	var e *apiError
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// gone are the codes of a message or thread that is not there.
var gone = []string{"message_not_found", "thread_not_found", "cannot_reply_to_message"}

// closed are the codes of a channel that cannot be used any more.
var closed = []string{"channel_not_found", "is_archived", "not_in_channel"}

// fixed are the codes of a message that is there and cannot be edited any more.
var fixed = []string{"edit_window_closed", "cant_update_message"}

// acted says of an error that the sink may have acted on a part of the notice, so the next
// attempt has to look.
func acted(err error) error {
	if e, ok := errors.AsType[*notify.Error](err); ok {
		c := *e
		c.NotSent = false
		return &c
	}
	return err
}
