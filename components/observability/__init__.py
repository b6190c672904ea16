"""What watches the platform: signals, rules, who hears of them, dashboards, and the metrics that they stand on."""
