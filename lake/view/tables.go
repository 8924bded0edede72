package view

import "slices"

// specs lists all tables.
func specs() []spec {
	return slices.Concat(houseTables(), awsTables(), entraTables(), azureTables(), officeTables(), googleTables(),
		saasTables(), networkTables(), alertTables(), asimTables(), declaredTables())
}
