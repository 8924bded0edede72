package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/iceberg"
	"github.com/yagura-sec/yagura/store"
)

// PublishIceberg brings the Iceberg tables of a lake to the files that are live. location is where
// the lake is as engines spell it; "": as the configuration says it.
func PublishIceberg(ctx context.Context, cfg *config.Config, db *store.DB, location string, now func() time.Time) ([]iceberg.Table, error) {
	catalogue, blobs, err := LakeCatalogue(ctx, cfg, db, false)
	if err != nil {
		return nil, err
	}
	place, ok := blobs.(iceberg.Place)
	if !ok {
		return nil, fmt.Errorf("iceberg: files of %T cannot be replaced", blobs)
	}
	if location == "" {
		if location, err = LakePlace(cfg); err != nil {
			return nil, err
		}
		location = icebergLocation(location)
	}
	files, err := catalogue.Files(ctx, lake.Filter{})
	if err != nil {
		return nil, err
	}
	return iceberg.Publish(ctx, iceberg.Options{Files: files, Place: place, Location: location, Now: now})
}

// icebergLocation spells the place of a lake as engines do.
func icebergLocation(place string) string {
	rest, ok := strings.CutPrefix(place, "az://")
	if !ok {
		return filepath.ToSlash(place)
	}
	account, path, _ := strings.Cut(rest, "/")
	container, prefix, _ := strings.Cut(path, "/")
	return strings.TrimRight("abfss://"+container+"@"+account+".dfs.core.windows.net/"+prefix, "/")
}
