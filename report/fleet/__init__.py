"""Many hosts measured by one command. Dask finds them and carries requests; it times nothing."""
