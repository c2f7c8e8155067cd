echo "starting"
