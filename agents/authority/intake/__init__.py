"""The intake: who wants to stand in the authority's file applies here, and officials decide on it with four eyes."""
