namespace UnityEngine.InputSystem
{
    public sealed class InputAction
    {
        internal object Value;

        public bool enabled { get; private set; }

        public TValue ReadValue<TValue>() where TValue : struct
        {
            return Value == null ? default(TValue) : (TValue)Value;
        }

        public void Enable()
        {
            enabled = true;
        }

        public void Disable()
        {
            enabled = false;
        }
    }

    public class InputActionReference : ScriptableObject
    {
    }

    public struct InputActionProperty
    {
        public InputActionProperty(InputAction action)
        {
            this.action = action;
            reference = null;
        }

        public InputAction action { get; }

        public InputActionReference reference { get; }
    }
}
