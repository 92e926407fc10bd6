"""The REST API for front ends of the host's own, where administrators and owners of tenants manage SCIM."""
