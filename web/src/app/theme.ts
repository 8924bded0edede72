import { createTheme } from "@mantine/core";

/** nonce is what the server's content policy lets style elements through by. */
export function nonce(): string {
  const n = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
  return n.startsWith("__") ? "" : n;
}

// Libraries that make style elements themselves (scroll locks) look for their nonce here.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce();

// Colours, fonts and sizes are variables in tokens.css; here is what components are by default.
export const theme = createTheme({
  cursorType: "pointer",
  defaultRadius: "sm",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "xs", variant: "default" } },
    ActionIcon: { defaultProps: { size: "md", variant: "subtle", color: "gray" } },
    TextInput: { defaultProps: { size: "xs" } },
    PasswordInput: { defaultProps: { size: "xs" } },
    NumberInput: { defaultProps: { size: "xs" } },
    Textarea: { defaultProps: { size: "xs" } },
    NativeSelect: { defaultProps: { size: "xs" } },
    Checkbox: { defaultProps: { size: "xs" } },
    Switch: { defaultProps: { size: "xs" } },
    SegmentedControl: { defaultProps: { size: "xs" } },
    Tabs: { defaultProps: { keepMounted: false } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, transitionProps: { duration: 80 } } },
    Menu: {
      defaultProps: { shadow: "md", position: "bottom-end", transitionProps: { duration: 60 }, returnFocus: true },
    },
    Popover: { defaultProps: { shadow: "md", transitionProps: { duration: 60 } } },
    Modal: { defaultProps: { transitionProps: { duration: 80 }, overlayProps: { backgroundOpacity: 0.5 } } },
  },
});
