-- Where records are kept follows their files when several become one.
CREATE INDEX kept_range_by_file ON kept_range (file);
