//go:build linux

#include "textflag.h"

// func senderHandler()
// The kernel's arguments: DI the signal, SI its siginfo_t, whose si_pid is at 16, DX the context. All three are left for Go's handler,
// and with them the stack and every register that a caller may expect back.
TEXT ·senderHandler(SB), NOSPLIT|NOFRAME, $0-0
	MOVL 16(SI), AX
	LEAQ ·senders(SB), CX
	MOVL AX, (CX)(DI*4)
	MOVQ ·goHandler(SB), AX
	JMP  AX

// func senderHandlerPC() uintptr
TEXT ·senderHandlerPC(SB), NOSPLIT, $0-8
	LEAQ ·senderHandler(SB), AX
	MOVQ AX, ret+0(FP)
	RET
