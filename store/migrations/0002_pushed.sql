-- What was pushed is known by its sender's id as long as a sender may send it again; the index
-- finds what is older.
CREATE INDEX change_seen_pushed ON change_seen (at) WHERE via > 'received/' AND via < 'received0';
