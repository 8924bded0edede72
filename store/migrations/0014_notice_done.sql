-- Whoever watches is told of notices that were just delivered or given up.
CREATE INDEX notice_done ON notice (done) WHERE state <> 0;
