package falco

// Falco's codes. Those with ERR stop a rule; the others are said and the rule is
// loaded, or skipped where it asks for that.
const (
	codeYAMLParse     = "LOAD_ERR_YAML_PARSE"
	codeYAMLValidate  = "LOAD_ERR_YAML_VALIDATE"
	codeCompileCond   = "LOAD_ERR_COMPILE_CONDITION"
	codeCompileOutput = "LOAD_ERR_COMPILE_OUTPUT"
	codeValidate      = "LOAD_ERR_VALIDATE"

	codeUnknownSource = "LOAD_UNKNOWN_SOURCE"
	codeUnsafeNA      = "LOAD_UNSAFE_NA_CHECK"
	codeUnknownFilter = "LOAD_UNKNOWN_FILTER"
	codeUnusedMacro   = "LOAD_UNUSED_MACRO"
	codeUnusedList    = "LOAD_UNUSED_LIST"
	codeUnknownItem   = "LOAD_UNKNOWN_ITEM"
	codeUnknownKey    = "LOAD_UNKNOWN_KEY"
	codeDeprecated    = "LOAD_DEPRECATED_ITEM"
	codeNoValues      = "LOAD_APPEND_NO_VALUES"
	codeExceptionName = "LOAD_EXCEPTION_NAME_NOT_UNIQUE"
	codeInvalidMacro  = "LOAD_INVALID_MACRO_NAME"
	codeInvalidList   = "LOAD_INVALID_LIST_NAME"
	codeSyscall       = "SYSCALL_RULE"
	codeOldCloudStyle = "OLD_CLOUD_STYLE"
)

// Falco's words.
const (
	msgAppend         = "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead."
	msgEnabled        = "The standalone 'enabled' key usage is deprecated. The correct approach requires also a 'replace' entry under the 'override' key (i.e. 'enabled: replace')."
	msgOverrideAppend = "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. 'condition: append') under 'override' instead."
	msgNoMacro        = "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists"
	msgNoList         = "List uses 'append' or 'override.items: append' but no list by that name already exists"
	msgNoRuleAppend   = "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"
	msgNoRuleReplace  = "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"
	msgUnusedMacro    = "Macro not referred to by any other rule/macro"
	msgUnusedList     = "List not referred to by any other rule/macro"
	msgInvalidMacro   = "Macro has an invalid name. Macro names should match a regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)"
	msgInvalidList    = `List has an invalid name. List names should match a regular expression: ([^()"'[:space:]=,]+)`
	msgUnsafeNA       = "comparing a field value with <NA> is unsafe and can lead to unpredictable behavior of the rule condition. " +
		"If you need to check for the existence of a field, consider using the 'exists' operator instead."
)
