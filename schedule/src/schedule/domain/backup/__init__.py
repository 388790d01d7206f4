"""Backups of PostgreSQL in R2.

`snapshot`: the whole database as of one instant, kept in a schema of its own while it is read. `parts`: rows as files.
`manifest`: what a backup consists of; without one it is none. `retention`: which backups stay. A row is the JSON array of its
columns' PostgreSQL text, null for NULL, so that any type comes back as it was; generated columns are left out.
"""
