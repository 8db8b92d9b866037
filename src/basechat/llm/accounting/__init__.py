"""What calls may use and what they did use: admitted before, settled after."""
