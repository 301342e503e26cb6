"""Offers of other platforms: shown with source and link, never licensable here, never counted."""
