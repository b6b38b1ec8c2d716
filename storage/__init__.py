"""Where it is kept: SQLAlchemy Core tables. One transaction is one `UnitOfWork`. SQL stops here."""
