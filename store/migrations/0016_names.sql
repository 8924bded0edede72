-- An account is asked for by its id or its name: with an index of one of them alone all issues
-- are looked at.
CREATE INDEX issue_fact_account_name ON issue_fact (account_name, updated, n);
