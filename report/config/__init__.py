"""experiments.yaml -> Plan."""
