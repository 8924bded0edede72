package blob

// A folder cannot be synced on Windows; NTFS journals its names.
const noDirSync = true
