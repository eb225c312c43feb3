//go:build linux

#include "textflag.h"

// func senderHandler()
// The kernel's arguments: R0 the signal, R1 its siginfo_t, whose si_pid is at 16, R2 the context. All three are left for Go's handler,
// and with them the stack and every register that a caller may expect back.
TEXT ·senderHandler(SB), NOSPLIT|NOFRAME, $0-0
	MOVWU 16(R1), R9
	MOVD  $·senders(SB), R10
	LSL   $2, R0, R11
	MOVW  R9, (R10)(R11)
	MOVD  ·goHandler(SB), R9
	JMP   (R9)

// func senderHandlerPC() uintptr
TEXT ·senderHandlerPC(SB), NOSPLIT, $0-8
	MOVD $·senderHandler(SB), R9
	MOVD R9, ret+0(FP)
	RET
