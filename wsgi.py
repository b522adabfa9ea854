from advocacy.app import wsgi_application

application = wsgi_application()
