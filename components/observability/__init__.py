"""What watches the platform: rules, who hears of them, dashboards, and the metrics that they stand on."""
