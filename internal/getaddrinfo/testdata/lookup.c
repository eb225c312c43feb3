/* Prints the addresses of each argument on a line, as nginx asks for them; "none" if there are none. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct addrinfo hints, *all = NULL;
		memset(&hints, 0, sizeof hints);
		hints.ai_family = AF_UNSPEC;
		hints.ai_socktype = SOCK_STREAM;
		hints.ai_flags = AI_ADDRCONFIG;
		if (getaddrinfo(argv[i], NULL, &hints, &all) != 0) {
			puts("none");
			continue;
		}
		for (struct addrinfo *a = all; a != NULL; a = a->ai_next) {
			char text[INET6_ADDRSTRLEN] = "?";
			if (a->ai_family == AF_INET)
				inet_ntop(AF_INET, &((struct sockaddr_in *) a->ai_addr)->sin_addr, text, sizeof text);
			else
				inet_ntop(AF_INET6, &((struct sockaddr_in6 *) a->ai_addr)->sin6_addr, text, sizeof text);
			printf("%s%s", text, a->ai_next != NULL ? " " : "");
		}
		puts("");
		freeaddrinfo(all);
	}
	return 0;
}
