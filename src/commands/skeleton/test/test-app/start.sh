echo "hello from the test app"
