-- Issues are read in these orders too.
DROP INDEX issue_fact_assignee;
CREATE INDEX issue_fact_assignee ON issue_fact (assignee, updated, n);
CREATE INDEX issue_fact_title ON issue_fact (title, updated, n);
CREATE INDEX issue_fact_status ON issue_fact (status, updated, n);
