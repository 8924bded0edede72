package fn

// macrosPlan are what the operators and the base language need, beside functions.
func macrosPlan() []string {
	return []string{
		`CREATE MACRO kql_member(j, k) AS json_extract(j, '$."' || replace(replace(k, '\', '\\'), '"', '\"') || '"')`,
		// The elements of a dynamic value, for mv-expand: those of an array, a bag of
		// one key for each key of a bag, else the value itself.
		`CREATE MACRO kql_items(j) AS CASE json_type(j)
			WHEN 'ARRAY' THEN list_transform(CAST(j AS JSON[]), lambda e : CASE WHEN CAST(e AS VARCHAR) = 'null' THEN NULL ELSE e END)
			WHEN 'OBJECT' THEN list_transform(json_keys(j), lambda k : json_object(k, kql_member(j, k)))
			WHEN 'NULL' THEN [CAST(NULL AS JSON)]
			ELSE [j] END`,
		`CREATE MACRO kql_items_pairs(j) AS CASE json_type(j)
			WHEN 'ARRAY' THEN list_transform(CAST(j AS JSON[]), lambda e : CASE WHEN CAST(e AS VARCHAR) = 'null' THEN NULL ELSE e END)
			WHEN 'OBJECT' THEN list_transform(json_keys(j), lambda k : json_array(k, kql_member(j, k)))
			WHEN 'NULL' THEN [CAST(NULL AS JSON)]
			ELSE [j] END`,
		// The numbers of the elements of a list. Of a list that is there they are no more
		// than it is long, which the engine's range cannot know.
		`CREATE MACRO kql_subscripts(l) AS system.main.range(1, coalesce(len(l), 0) + 1)`,
		// The start of the session that the last of a list of times belongs to. A list
		// is folded here, where what is kept of it does not grow; a query may not fold.
		`CREATE MACRO kql_session(l, first, beside) AS make_timestamp(list_reduce(l, lambda a, v : CASE WHEN v.t - a.s > first // 10 OR v.t - a.t > beside // 10 THEN v ELSE {'s': a.s, 't': v.t} END).s)`,
		// Metres between two places on a sphere of 6,371,010 m, as Kusto measures.
		`CREATE MACRO kql_geo_distance(lo1, la1, lo2, la2) AS CASE WHEN abs(lo1) <= 180 AND abs(lo2) <= 180 AND abs(la1) <= 90 AND abs(la2) <= 90 THEN
			2 * 6371010.0::DOUBLE * asin(least(1, sqrt(pow(sin(radians(la2 - la1) / 2), 2) + cos(radians(la1)) * cos(radians(la2)) * pow(sin(radians(lo2 - lo1) / 2), 2)))) END`,
		// A dynamic text that holds JSON is read; anything else stays as it is.
		`CREATE MACRO kql_reparse(j) AS CASE WHEN json_type(j) = 'VARCHAR' AND json_valid(json_extract_string(j, '$')) THEN CAST(json_extract_string(j, '$') AS JSON) ELSE j END`,
		`CREATE MACRO kql_dynamic_max(l) AS to_json(coalesce(to_json(list_max(list_transform(l, lambda e : TRY_CAST(json_extract_string(e, '$') AS DOUBLE)))), to_json(list_max(list_transform(l, lambda e : json_extract_string(e, '$'))))))`,
		`CREATE MACRO kql_dynamic_min(l) AS to_json(coalesce(to_json(list_min(list_transform(l, lambda e : TRY_CAST(json_extract_string(e, '$') AS DOUBLE)))), to_json(list_min(list_transform(l, lambda e : json_extract_string(e, '$'))))))`,
	}
}
