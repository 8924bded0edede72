-- The overview counts the issues that are not closed whenever it is asked.
CREATE INDEX issue_fact_open ON issue_fact (severity, status, rule, suppressed, assignee, account, format) WHERE status < 2;
