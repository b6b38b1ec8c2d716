"""Where it is kept: SQLAlchemy Core. One transaction is one `UnitOfWork`; SQL stops here."""
